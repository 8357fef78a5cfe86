// The last page before a gateway that wants a form: sends it, as its button would.

const { form } = document.querySelector("#leave").dataset;
document.getElementById(form).submit();

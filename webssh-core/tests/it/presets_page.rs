//! The pages of huashengdun/webssh and of ttyd as they are published, in a real browser, in front of a hub.

mod driver;
mod site;
mod ttyd;

use std::path::Path;

use testkit::{Chromium, ForeignKit};

use driver::Tab;
use site::Site;

/// Unpacks the page and fills the three blanks of its template.
const UNPACK: &str = r#"
import pathlib, re, sys, tarfile
here, out = pathlib.Path(__file__).parent, pathlib.Path(sys.argv[1])
(sdist,) = (here / "sdist").glob("webssh-*.tar.gz")
with tarfile.open(sdist) as tar:
    for member in tar.getmembers():
        name = pathlib.PurePosixPath(member.name)
        if member.isfile() and name.parts[1:2] == ("webssh",) and name.parts[2:3] in (("static",), ("templates",)):
            to = out.joinpath(*name.parts[2:])
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_bytes(tar.extractfile(member).read())
page = (out / "templates/index.html").read_text()
page = re.sub(r"{% if font.family %}.*?{% end %}", "", page, flags=re.S)
page = re.sub(r"{% if debug %}.*?{% end %}", "", page)
page = page.replace("{% module xsrf_form_html() %}", "")
assert "{%" not in page and "{{" not in page
(out / "index.html").write_text(page)
"#;

const KIT: ForeignKit = ForeignKit {
    folder: "webssh-core/huashengdun",
    pins: &[(
        "requirements.txt",
        "webssh==1.6.3 --hash=sha256:2bce5bbaf206ad345910c7e4dc8024b3c418e681c9f5ff098f1802beff76e100\n",
    )],
    programs: &[("unpack.py", UNPACK)],
};

/// The files of the page.
fn unpack(to: &Path) {
    let download = ["download", "--no-deps", "--dest", "sdist", "--requirement", "requirements.txt"];
    let done = KIT.python("unpack.py", &[&download]).unwrap().arg(to).output().unwrap();
    assert!(done.status.success(), "{done:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_runs_the_page_of_huashengdun() {
    if testkit::skipped("python3") || testkit::skipped("chromium") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().to_owned();
    tokio::task::spawn_blocking(move || unpack(&folder)).await.unwrap();
    let site = Site::start(dir.path(), site::huashengdun()).await;
    let url = site.url();
    tokio::task::spawn_blocking(move || use_the_page(&url)).await.unwrap();
    site.stop().await;
}

fn use_the_page(url: &str) {
    let chromium = Chromium::start().unwrap();
    let tab = Tab::open(&chromium, url);
    // The only thing that is not as its users have it: the terminal can be looked into.
    tab.run(
        "const Real = window.Terminal;
         window.Terminal = function(options) { return window.seen = new Real(options); };",
    );
    let connect = |user: &str| {
        for (field, value) in
            [("hostname", "lab.example"), ("port", "22"), ("username", user), ("password", "x")]
        {
            tab.run(&format!("document.getElementById('{field}').value = ''"));
            tab.type_into(&format!("#{field}"), value);
        }
        tab.run("document.querySelector('.btn-primary').click()");
    };
    connect("nobody");
    tab.wait("the refusal", "document.getElementById('status').textContent.includes('not on the list')");
    connect("alice");
    let shows = |what: &str, text: &str| tab.shows(what, text);
    shows("the greeting", "ready for alice@lab.example:22");
    let keys = ".xterm-helper-textarea";
    tab.type_into(keys, "grüße 你好\u{e007}");
    shows("the answer", "you said grüße 你好");
    // The page tells its real size with the first output.
    tab.type_into(keys, "size\u{e007}");
    let real = tab.run("return window.seen.cols + 'x' + window.seen.rows");
    shows("the size", &format!("the size is {}", real.as_str().unwrap()));
    tab.type_into(keys, "flood\u{e007}");
    shows("the end of the flood", "flooded");
    tab.type_into(keys, "exit\u{e007}");
    tab.wait(
        "the reason",
        "document.getElementById('status').textContent.includes('the shell ended with status 7')",
    );
}

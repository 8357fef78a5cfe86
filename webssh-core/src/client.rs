//! The browser's side as text, to be served by any web framework: ES modules and a style sheet, without a build step.
//!
//! Serve all [`FILES`] from one folder under their names: they import each other by them. A page imports `webssh.js`,
//! whose `connect(options)` joins an xterm.js terminal to a WebSocket that speaks the [wire](crate::docs::wire); or
//! `terminal.js`, whose `TerminalView` is a terminal to look at, with search, font size, colours, a light for the
//! connection, a row of keys for phones and the questions of a login, in English and Chinese. The options of both
//! stand in their text. They need xterm.js 5.5 or newer and nothing else, and work under a Content-Security-Policy
//! without inline scripts; xterm.js itself writes its colours into a style element, which needs
//! `style-src 'unsafe-inline'`.
//!
//! ```
//! use webssh_core::client;
//!
//! /// What a server answers for a path: the media type and the text.
//! fn asset(path: &str) -> Option<(&'static str, &'static str)> {
//!     let file = client::file(path.strip_prefix("/assets/webssh/")?)?;
//!     Some((file.media_type, file.text))
//! }
//!
//! let (media_type, text) = asset("/assets/webssh/webssh.js").ok_or("not there")?;
//! assert_eq!(media_type, "text/javascript; charset=utf-8");
//! assert!(text.contains("export function connect(") && text.contains("from \"./wire.js\""));
//! assert_eq!(asset("/assets/webssh/other.js"), None);
//! # Ok::<(), &str>(())
//! ```

/// A file for browsers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientFile {
    /// Its name in the folder, which the others import it by.
    pub name: &'static str,
    /// Its media type, with the character set.
    pub media_type: &'static str,
    /// What is in it.
    pub text: &'static str,
}

const fn script(name: &'static str, text: &'static str) -> ClientFile {
    ClientFile { name, media_type: "text/javascript; charset=utf-8", text }
}

/// Every file: the session (`webssh.js`, with `wire.js`, `input.js`, `output.js` and `transport.js`), the terminal to
/// look at (`terminal.js`, with `dialog.js`, `keys.js`, `look.js` and `words.js`), and its style sheet (`terminal.css`).
pub const FILES: &[ClientFile] = &[
    script("webssh.js", include_str!("../client/webssh.js")),
    script("wire.js", include_str!("../client/wire.js")),
    script("input.js", include_str!("../client/input.js")),
    script("output.js", include_str!("../client/output.js")),
    script("transport.js", include_str!("../client/transport.js")),
    script("terminal.js", include_str!("../client/terminal.js")),
    script("dialog.js", include_str!("../client/dialog.js")),
    script("keys.js", include_str!("../client/keys.js")),
    script("look.js", include_str!("../client/look.js")),
    script("words.js", include_str!("../client/words.js")),
    ClientFile {
        name: "terminal.css",
        media_type: "text/css; charset=utf-8",
        text: include_str!("../client/terminal.css"),
    },
];

/// The file of a name, or none.
#[must_use]
pub fn file(name: &str) -> Option<&'static ClientFile> {
    FILES.iter().find(|file| file.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_import_is_served_and_every_script_imported() {
        let imports: Vec<&str> = FILES
            .iter()
            .flat_map(|file| file.text.split(" from \"").skip(1))
            .map(|rest| rest.split('"').next().unwrap())
            .collect();
        for import in &imports {
            assert!(import.strip_prefix("./").and_then(file).is_some(), "{import} is not served");
        }
        for file in
            FILES.iter().filter(|file| !["webssh.js", "terminal.js", "terminal.css"].contains(&file.name))
        {
            assert!(
                imports.iter().any(|import| import.strip_prefix("./") == Some(file.name)),
                "{}",
                file.name
            );
        }
    }
}

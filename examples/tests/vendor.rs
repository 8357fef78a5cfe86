//! The browser code that the build script brought is there, whole, and typed.

#[path = "../demo/vendor.rs"]
mod vendor;

#[cfg(test)]
mod tests {
    use super::vendor::vendor;

    fn text(path: &str) -> &'static str {
        std::str::from_utf8(vendor(path).expect(path).0).expect(path)
    }

    #[test]
    fn every_module_exports_its_class() {
        let classes = [
            ("xterm.mjs", "Terminal"),
            ("addon-fit.mjs", "FitAddon"),
            ("addon-search.mjs", "SearchAddon"),
            ("addon-unicode11.mjs", "Unicode11Addon"),
            ("addon-web-links.mjs", "WebLinksAddon"),
        ];
        for (path, class) in classes {
            assert!(text(path).contains(&format!(" as {class}}};")), "{path}");
            assert_eq!(vendor(path).unwrap().1, "text/javascript; charset=utf-8");
            let licence = path.replace(".mjs", ".LICENSE");
            assert!(text(&licence).contains("The xterm.js authors"), "{licence}");
        }
        assert!(text("xterm.css").contains(".xterm"));
        assert_eq!(vendor("xterm.css").unwrap().1, "text/css; charset=utf-8");
    }

    #[test]
    fn other_paths_are_not_there() {
        for path in ["", "complete", "../npm/package.json", "xterm.mjs/", "/xterm.mjs", "XTERM.MJS"] {
            assert!(vendor(path).is_none(), "{path}");
        }
    }

    #[test]
    fn the_lock_file_has_digests_and_no_addresses() {
        let lock = include_str!("../demo/assets/npm/package-lock.json");
        assert!(!lock.contains("\"resolved\"") && !lock.contains("://"));
        assert_eq!(lock.matches("\"integrity\": \"sha512-").count(), 5);
    }
}

//! A certificate authority by the openssl command line, for the tests.

use crate::support::openssl_text;
use payments::{Certificate, PrivateKey};
use std::cell::Cell;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder with keys and a configuration that adds no extension of its own.
pub(crate) struct Authority {
    folder: TempDir,
    keys: Cell<u32>,
}

/// A certificate and its key, by the names of their files.
#[derive(Clone, Copy)]
pub(crate) struct Issue<'a> {
    /// The name of the files, and of the key unless `key` names another.
    pub(crate) name: &'a str,
    pub(crate) subject: &'a str,
    /// Signed by this one, or by itself.
    pub(crate) issuer: Option<&'a str>,
    pub(crate) extensions: &'a [&'a str],
    pub(crate) digest: &'a str,
    pub(crate) days: &'a str,
}

pub(crate) const CA: &[&str] = &["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"];
pub(crate) const LEAF: &[&str] = &["keyUsage=critical,digitalSignature"];

impl Authority {
    pub(crate) fn new() -> Self {
        Self::with_keys_from(0)
    }

    /// An authority whose keys are others than those of [`Authority::new`].
    pub(crate) fn elsewhere() -> Self {
        Self::with_keys_from(100)
    }

    fn with_keys_from(first: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("cnf"), "[req]\ndistinguished_name=dn\nutf8=yes\n[dn]\n").unwrap();
        Self { folder, keys: Cell::new(first) }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// The PEM of a new certificate; a key that is there already is used again.
    pub(crate) fn issue(&self, issue: Issue<'_>) -> String {
        let (key, path) = (self.key_path(issue.name), self.path(&format!("{}.crt", issue.name)));
        let issuer = issue.issuer.map(|issuer| (self.path(&format!("{issuer}.crt")), self.key_path(issuer)));
        let digest = format!("-{}", issue.digest);
        let config = self.path("cnf");
        let mut arguments = vec!["req", "-x509", "-new", "-days", issue.days, "-utf8", &digest];
        arguments.extend(["-config", &config, "-key", &key, "-subj", issue.subject, "-out", &path]);
        if let Some((certificate, key)) = &issuer {
            arguments.extend(["-CA", certificate, "-CAkey", key]);
        }
        arguments.extend(issue.extensions.iter().flat_map(|extension| ["-addext", extension]));
        openssl_text(&arguments, b"");
        std::fs::read_to_string(path).unwrap()
    }

    /// A certificate signed with SHA-256.
    pub(crate) fn certificate(
        &self,
        name: &str,
        subject: &str,
        issuer: Option<&str>,
        extensions: &[&str],
    ) -> Certificate {
        let issue = Issue { name, subject, issuer, extensions, digest: "sha256", days: "3650" };
        Certificate::parse(self.issue(issue)).unwrap()
    }

    pub(crate) fn key(&self, name: &str) -> PrivateKey {
        PrivateKey::parse(&std::fs::read_to_string(self.key_path(name)).unwrap()).unwrap()
    }

    /// Lets two certificates have one key.
    pub(crate) fn same_key(&self, from: &str, to: &str) {
        std::fs::copy(self.key_path(from), self.path(&format!("{to}.key"))).unwrap();
    }

    pub(crate) fn key_path(&self, name: &str) -> String {
        let path = self.path(&format!("{name}.key"));
        if !Path::new(&path).exists() {
            std::fs::copy(pooled_key(self.keys.get()), &path).unwrap();
            self.keys.set(self.keys.get() + 1);
        }
        path
    }
}

/// A key of the build folder, made when it is first needed: a new RSA key takes a second or more.
fn pooled_key(number: u32) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("payments-test-keys");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{number}.key"));
    if !path.exists() {
        let fresh = tempfile::NamedTempFile::new_in(&folder).unwrap();
        openssl_text(&["genrsa", "-out", fresh.path().to_str().unwrap(), "2048"], b"");
        // Another test may have made it in the meantime: its key stays.
        if let Err(error) = fresh.persist_noclobber(&path) {
            assert!(path.exists(), "{error}");
        }
    }
    path
}

//! Programs of other languages, with the packages that they import: installed by npm or pip, and run; and programs of
//! Rust that no other build should wait for.

mod once;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Error;
use crate::program::Program;

use self::once::{build_folder, filled, replace, written};

const NODE: Program = Program::new("node", "nodejs");
const NPM: Program = Program::new("npm", "npm");
const PYTHON: Program = Program::new("python3", "python3-venv");
const CARGO: Program = Program::new("cargo", "cargo");

/// Programs of one other language and the packages that they import, in a folder of their own.
///
/// The folder is below the one in which cargo builds, so that the source tree stays clean. The packages are installed
/// when the pins are others than at the last complete installation; meanwhile everybody else who asks for the same
/// folder waits, in this process and in others. The programs are written each time.
///
/// ```
/// use testkit::ForeignKit;
///
/// const GREETING: ForeignKit = ForeignKit {
///     folder: "testkit/greeting",
///     pins: &[
///         ("package.json", r#"{"name": "greeting", "private": true}"#),
///         ("package-lock.json", r#"{"name": "greeting", "lockfileVersion": 3, "packages": {"": {}}}"#),
///     ],
///     programs: &[("greet.mjs", "console.log('hello')")],
/// };
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// if testkit::skipped("npm") {
///     return Ok(());
/// }
/// let output = GREETING.node("greet.mjs")?.output()?;
/// assert_eq!(output.stdout, b"hello\n");
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "three fields, all of them needed; a new one must break kits")]
pub struct ForeignKit {
    /// Where, below cargo's build folder. No other kit may have the same.
    pub folder: &'static str,
    /// The files that say which packages are installed, and in which versions: names and texts.
    pub pins: &'static [(&'static str, &'static str)],
    /// The files that are run: names and texts.
    pub programs: &'static [(&'static str, &'static str)],
}

impl ForeignKit {
    /// The command that runs `program` by Node.js. The packages are those of the pin `package-lock.json`.
    ///
    /// # Errors
    /// `Unavailable` if Node.js or npm is missing, npm could not install the packages, or a file could not be written.
    pub fn node(&self, program: &str) -> Result<Command, Error> {
        let args = ["ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"];
        let folder = self.installed(&[&args], |folder| {
            let remedy = "install Node.js 20 or newer with npm, or set TESTKIT_SKIP=npm";
            self.run(NPM, NPM.command()?.args(args).current_dir(folder), remedy)
        })?;
        let mut command = Command::new(NODE.find(&[])?);
        command.arg(folder.join(program));
        Ok(command)
    }

    /// The command that runs `program` by Python, in an environment of its own. Each item of `pip` is the arguments of
    /// one call of pip in the folder, and names pins: `["install", "--requirement", "requirements.txt"]`.
    ///
    /// # Errors
    /// `Unavailable` if Python is missing, pip could not install the packages, or a file could not be written.
    pub fn python(&self, program: &str, pip: &[&[&str]]) -> Result<Command, Error> {
        let python = |folder: &Path| folder.join("env/bin/python");
        let folder = self.installed(pip, |folder| {
            let remedy = "install Python 3.10 or newer with its venv module, or set TESTKIT_SKIP=python3";
            let run = |command: &mut Command| self.run(PYTHON, command.current_dir(folder), remedy);
            run(PYTHON.command()?.args(["-m", "venv", "--clear", "env"]))?;
            pip.iter().try_for_each(|args| {
                run(PYTHON.command_at(&python(folder)).args(["-m", "pip", "--quiet"]).args(*args))
            })
        })?;
        let mut command = Command::new(python(&folder));
        command.arg(folder.join(program));
        Ok(command)
    }

    /// The command that runs `program`, which Cargo builds in release mode when the pins are others than at the last
    /// build. The pins are a package of its own: `Cargo.toml` with an empty `[workspace]`, `Cargo.lock`, the sources.
    ///
    /// # Errors
    /// `Unavailable` if Cargo is missing or could not build the program, or a file could not be written.
    pub fn rust(&self, program: &str) -> Result<Command, Error> {
        let args = ["build", "--release", "--locked", "--quiet", "--target-dir", "target"];
        let folder = self.installed(&[&args], |folder| {
            let remedy = "install Rust with Cargo, or set TESTKIT_SKIP=cargo";
            self.run(CARGO, CARGO.command()?.args(args).current_dir(folder), remedy)
        })?;
        Ok(Command::new(folder.join("target/release").join(program)))
    }

    /// The folder with the pins, the packages and the programs.
    fn installed(
        &self,
        installs: &[&[&str]],
        install: impl FnOnce(&Path) -> Result<(), Error>,
    ) -> Result<PathBuf, Error> {
        let pins: String = self.pins.iter().map(|(name, text)| format!("{name}\n{text}\n")).collect();
        let recipe = format!("{pins}{installs:?}\n");
        let fill = |folder: &Path| {
            eprintln!("installing foreign packages into {}", folder.display());
            self.pins.iter().try_for_each(|(name, text)| written(&folder.join(name), text))?;
            install(folder)
        };
        let (folder, lock) = filled(&build_folder(), self.folder, &recipe, fill)?;
        self.programs.iter().try_for_each(|(name, text)| replace(&folder.join(name), text))?;
        drop(lock);
        Ok(folder)
    }

    fn run(&self, program: Program, command: &mut Command, remedy: &'static str) -> Result<(), Error> {
        let printed = program.run(command);
        printed.map(drop).map_err(|error| Error::not_installed(self.folder, remedy, error))
    }
}

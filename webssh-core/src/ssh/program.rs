//! What runs at the far end.

/// What the server starts. Standard error comes with standard output, as on any terminal, and the end of the program
/// is the end of the shell, with its status.
///
/// A command is a line for the login shell of the user (RFC 4254, section 6.5): quote what comes from somebody else. It
/// has 1 byte to 32 KiB and no NUL. A server with a forced command starts that instead.
///
/// ```
/// use webssh_core::ssh::{ConnectOptions, Program};
///
/// let mut options = ConnectOptions::default();
/// assert_eq!(options.program, Program::Shell);
/// // The same session of tmux again, from whichever device.
/// options.program = Program::OnTerminal("tmux new-session -A -s work".to_owned());
/// // The judge of an exercise, whose output is no screen.
/// options.program = Program::Plain("cd exercise-7 && timeout 10 ./judge".to_owned());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Program {
    /// The login shell of the user on a terminal.
    #[default]
    Shell,
    /// A command on a terminal.
    OnTerminal(String),
    /// A command without a terminal: nothing is echoed, lines end as the program ends them, sizes are not told, and Ctrl-C
    /// is a byte like any other. Its input stays open until the shell is dropped.
    Plain(String),
}

//! The files of a real sshd, by every backend: what is listed, what is moved, what is refused, and what is
//! left when something breaks.

mod breaks;
mod moves;
mod names;
mod place;
mod refused;

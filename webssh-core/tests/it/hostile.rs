//! Servers that mean harm, played by hand, byte by byte: what they get a backend to do has an end, a cause
//! and a bound.

mod apart;
mod floods;
mod keys;
mod peer;
mod stages;

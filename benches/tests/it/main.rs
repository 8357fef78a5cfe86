//! Small runs: they show that a figure measures what it says, not how fast it is.

#[cfg(test)]
mod runs;
#[cfg(test)]
mod scripts;

//! End-to-end tests: the demo as a process, real Redis, real nginx, a real browser.

#[cfg(test)]
mod api;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod chain;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod identity_attacks;
#[cfg(test)]
mod instances;
#[cfg(test)]
mod lab;
#[cfg(test)]
mod load;
#[cfg(test)]
mod lost;
#[cfg(test)]
mod office;
#[cfg(test)]
mod oidc;
#[cfg(test)]
mod payments;
#[cfg(test)]
mod programs;
#[cfg(test)]
mod sales;
#[cfg(test)]
mod start;

//! UnionPay: real messages, a simulated authority, every call, every lie.

mod attacks;
mod bank;
mod calls;
mod facade;
mod files;
mod life;
mod messages;
mod notifies;

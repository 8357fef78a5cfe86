//! The README of the project, compiled: its programs are tests.

#![doc = include_str!("../README.md")]

//! The protocol of the page of huashengdun/webssh (`webssh/handler.py` and `main.js`): JSON texts from the page, plain
//! output to it.

use bytes::Bytes;
use serde_json::Value;

use super::client::{Client, Event};
use super::{Message, close, nearest, ping};
use crate::error::Error;

/// "Reset to initial state" (ECMA-48, RIS).
const RESET: &[u8] = b"\x1bc";

pub(super) fn on_message(message: &Message, client: &mut Client) -> Result<(), Error> {
    let Message::Text(text) = message else { return Ok(()) };
    let Ok(said) = serde_json::from_str::<Value>(text) else { return Ok(()) };
    if let Some([cols, rows]) = said.get("resize").and_then(Value::as_array).map(Vec::as_slice)
        && let Some(size) = nearest(cols, rows)
    {
        client.resize(size);
    }
    match said.get("data").and_then(Value::as_str) {
        Some(keys) => client.type_in(keys.as_bytes()),
        None => Ok(()),
    }
}

pub(super) fn message(event: Event) -> Message {
    match event {
        Event::Output(bytes) => Message::Binary(bytes.into_bytes()),
        Event::Gap => Message::Binary(Bytes::from_static(RESET)),
        Event::Ping(stamp) => ping(stamp),
        // The page shows the reason.
        Event::Exit(status) => close(1000, &format!("the shell ended with status {status}")),
        Event::Failure(failure) => close(1000, failure.text()),
    }
}

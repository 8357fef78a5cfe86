//! The protocol of ttyd's page (tsl0922/ttyd, `src/protocol.c` and `html/src`): the first byte of a message is a
//! command, and the first message is a JSON object.

use std::collections::VecDeque;

use bytes::{BufMut as _, BytesMut};
use serde_json::Value;

use super::client::{Client, Event};
use super::{Message, close, nearest, ping};
use crate::WinSize;
use crate::error::{Error, Inner};
use crate::frame::{Opening, TicketText};

const INPUT: u8 = b'0';
const RESIZE: u8 = b'1';
const PAUSE: u8 = b'2';
const RESUME: u8 = b'3';
const JSON: u8 = b'{';

const OUTPUT: u8 = b'0';
const TITLE: u8 = b'1';
const SETTINGS: u8 = b'2';

/// "Reset to initial state" (ECMA-48, RIS).
const RESET: &[u8] = b"\x1bc";

/// The close codes of ttyd. The page connects again by itself after any code but 1000.
const NORMAL: u16 = 1000;
const UNEXPECTED: u16 = 1011;

/// What the page is told when it has said hello.
#[derive(Debug)]
pub(super) struct Page {
    title: String,
    settings: String,
}

impl Page {
    pub(super) fn new(title: &str) -> Self {
        Self { title: title.to_owned(), settings: "{}".to_owned() }
    }

    pub(super) fn set(&mut self, json: &str) -> Result<(), Error> {
        match serde_json::from_str::<Value>(json) {
            Ok(Value::Object(_)) => json.clone_into(&mut self.settings),
            _ => return Err(Inner::Settings.into()),
        }
        Ok(())
    }

    pub(super) fn on_message(
        &mut self,
        message: &Message,
        client: &mut Client,
        messages: &mut VecDeque<Message>,
    ) -> Result<(), Error> {
        // Older pages send texts.
        let bytes = match message {
            Message::Binary(bytes) => bytes.as_ref(),
            Message::Text(text) => text.as_bytes(),
            _ => return Ok(()),
        };
        match bytes.split_first() {
            Some((&JSON, _)) if !client.is_greeted() => {
                let Ok(hello) = serde_json::from_slice::<Value>(bytes) else { return Ok(()) };
                client.hello(opening(&hello), size(&hello).unwrap_or_default());
                messages.push_back(said(TITLE, self.title.as_bytes()));
                messages.push_back(said(SETTINGS, self.settings.as_bytes()));
            }
            Some((&INPUT, keys)) if client.is_greeted() => client.type_in(keys)?,
            Some((&RESIZE, json)) if client.is_greeted() => {
                if let Some(size) = serde_json::from_slice(json).ok().and_then(|json| size(&json)) {
                    client.resize(size);
                }
            }
            Some((&PAUSE, [])) => client.pause(true),
            Some((&RESUME, [])) => client.pause(false),
            _ => {}
        }
        Ok(())
    }
}

/// A token that can be no ticket is shown as it is meant: as one that nobody knows.
fn opening(hello: &Value) -> Opening {
    match hello.get("AuthToken").and_then(Value::as_str) {
        None | Some("") => Opening::Plain,
        Some(token) => match TicketText::new(token).or_else(|_| TicketText::new("unusable")) {
            Ok(ticket) => Opening::Ticket(ticket),
            Err(_) => Opening::Plain,
        },
    }
}

fn size(json: &Value) -> Option<WinSize> {
    nearest(json.get("columns")?, json.get("rows")?)
}

fn said(command: u8, bytes: &[u8]) -> Message {
    let mut message = BytesMut::with_capacity(1 + bytes.len());
    message.put_u8(command);
    message.put_slice(bytes);
    Message::Binary(message.freeze())
}

/// What the page is told of an event; words of a failure stand in its terminal before the end.
pub(super) fn message(event: Event, messages: &mut VecDeque<Message>) -> Message {
    match event {
        Event::Output(bytes) => said(OUTPUT, &bytes),
        Event::Gap => said(OUTPUT, RESET),
        Event::Ping(stamp) => ping(stamp),
        Event::Exit(0) => close(NORMAL, ""),
        Event::Exit(_) => close(UNEXPECTED, ""),
        Event::Failure(failure) => {
            let words: String = failure.text().chars().filter(|c| !c.is_control()).collect();
            messages.push_back(said(OUTPUT, format!("\r\n\x1b[31m{words}\x1b[0m\r\n").as_bytes()));
            // Connecting again without end would not help: a person presses Enter.
            close(NORMAL, &words)
        }
    }
}

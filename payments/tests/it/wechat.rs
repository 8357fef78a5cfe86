//! WeChat Pay: requests, replies, notifies, certificates and bills, against a gateway that is made by hand here.

mod bills;
mod certificates;
mod facade;
mod notify;
mod refunds;
mod replies;
mod requests;
mod world;

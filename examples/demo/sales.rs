//! Running a sale by hand: pause, resume, close, more seats or fewer. What is asked is written down before it is done, so
//! that a start finishes what a crash cut off, and a store that has lost everything learns it again.

use seckill::{FlashSale, Phase, RequestId, Restock, Restocked, Steered, Step};

use crate::app::App;
use crate::clock;
use crate::http::problem::Problem;
use crate::school::School;
use crate::school::sale_change::{SaleChange, SaleStep, Way};

/// The most seats that one change adds or withdraws.
pub(crate) const SEATS_MAX: i64 = 100_000;
/// How often a step follows what others ask for at the same time.
const STEERS_MAX: u32 = 16;

impl From<SaleStep> for Step {
    fn from(step: SaleStep) -> Self {
        match step {
            SaleStep::Pause => Self::Pause,
            SaleStep::Resume => Self::Resume,
            SaleStep::Close => Self::Close,
        }
    }
}

/// Takes a step; one that was taken before changes nothing.
pub(crate) async fn steer(app: &App, actor: &str, slug: &str, step: SaleStep) -> Result<(), Problem> {
    let sale = app.sale(slug)?;
    app.school.ask_sale_step(slug, step, actor, clock::to_column(clock::now_millis())).await?;
    let steered = steer_as_asked(&app.school, &sale, step).await?;
    tracing::info!(actor, slug, ?step, ?steered, "sale steered");
    match steered {
        Steered::Done | Steered::Already => Ok(()),
        Steered::Refused { phase, .. } => Err(refused(phase)),
        _ => Err(Problem::conflict("refused", "the sale does not take this step now")),
    }
}

/// Takes a step, and then whatever was asked for meanwhile: of two who write down one order and act in the other, the
/// later one to look sees it. Answers what the first step came to.
async fn steer_as_asked(school: &School, sale: &FlashSale, mut step: SaleStep) -> Result<Steered, Problem> {
    let steered = sale.steer(step.into()).await?;
    for _ in 0..STEERS_MAX {
        let asked = last_asked(school, sale).await?;
        if asked == step {
            return Ok(steered);
        }
        step = asked;
        let again = sale.steer(step.into()).await?;
        tracing::info!(slug = sale.id().as_str(), ?step, steered = ?again, "sale steered as asked meanwhile");
    }
    Err(Problem::conflict(
        "refused",
        "too many people steer this sale at the same time; look where it stands",
    ))
}

/// Where a sale should be by hand: it goes on until somebody asks for something else.
async fn last_asked(school: &School, sale: &FlashSale) -> Result<SaleStep, Problem> {
    Ok(school.sale_step(sale.id().as_str()).await?.unwrap_or(SaleStep::Resume))
}

/// Adds or withdraws seats, and answers what it came to: fewer than asked when fewer were left to withdraw. The same id
/// again changes nothing and gives the first answer.
pub(crate) async fn restock(app: &App, asked: &SaleChange) -> Result<i64, Problem> {
    let sale = app.sale(&asked.course_slug)?;
    RequestId::new(&asked.id)?;
    if !(1..=SEATS_MAX).contains(&asked.units) {
        let words = format!("the number of seats is out of range: give 1 to {SEATS_MAX}");
        return Err(Problem::bad_request("invalid", words));
    }
    app.school.ask_sale_change(asked).await?;
    let first =
        app.school.sale_change(&asked.course_slug, &asked.id).await?.ok_or_else(Problem::not_found)?;
    if (first.direction, first.units) != (asked.direction, asked.units) {
        return Err(Problem::conflict(
            "request_id_reused",
            "this form was sent before with other numbers; load the page again for a fresh one",
        ));
    }
    if let Some(done) = first.done {
        return Ok(done);
    }
    let done = carry_out(&app.school, &sale, &first).await?;
    tracing::info!(actor = asked.actor, slug = asked.course_slug, way = ?asked.direction, done, "seats changed");
    Ok(done)
}

async fn carry_out(school: &School, sale: &FlashSale, change: &SaleChange) -> Result<i64, Problem> {
    let (id, units) = (RequestId::new(&change.id)?, u64::try_from(change.units).unwrap_or(0));
    let restock = match change.direction {
        Way::Add => Restock::add(id, units),
        Way::Withdraw => Restock::withdraw(id, units),
    };
    let (done, answer) = match sale.restock(&restock).await? {
        Restocked::Done { units } => {
            let done = clock::to_column(units);
            (done, Ok(done))
        }
        Restocked::Refused { phase } => (0, Err(refused(phase))),
        _ => (0, Err(Problem::conflict("refused", "the sale takes no change now"))),
    };
    school.finish_sale_change(&change.course_slug, &change.id, done).await?;
    answer
}

fn refused(phase: Phase) -> Problem {
    let words = match phase {
        Phase::Draft => "its seats are not loaded yet",
        Phase::Closed => "it is closed, and that is for good",
        Phase::Settled => "its books are closed, and that is for good",
        _ => "it stands where this does not lead on",
    };
    Problem::conflict("refused", format!("the sale takes no such step: {words}"))
}

/// At the start: every change of the seats again. A store that remembers them answers as it did before.
pub(crate) async fn restock_again(school: &School, sale: &FlashSale) -> Result<(), Problem> {
    for mut change in school.sale_changes(sale.id().as_str()).await? {
        // What was withdrawn then is withdrawn now, however many seats are left.
        change.units = change.done.unwrap_or(change.units);
        if change.units == 0 {
            continue;
        }
        match carry_out(school, sale, &change).await {
            Err(problem) if problem.code == "refused" => {
                tracing::warn!(slug = change.course_slug, id = change.id, "a change of seats came too late");
            }
            answer => drop(answer?),
        }
    }
    Ok(())
}

/// At the start, after the seats are restored: the last step again. A sale that was brought back goes on by it.
pub(crate) async fn steer_again(school: &School, sale: &FlashSale) -> Result<(), Problem> {
    let step = last_asked(school, sale).await?;
    let steered = steer_as_asked(school, sale, step).await?;
    tracing::debug!(slug = sale.id().as_str(), ?step, ?steered, "sale steered as before");
    Ok(())
}

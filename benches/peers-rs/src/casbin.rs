//! casbin with the first model of its manual.

use casbin::{CoreApi, DefaultModel, Enforcer, RbacApi, StringAdapter};

use crate::job::{Failure, Job, Question, Report, Work, resident, thread_time};

const VERSION: &str = "casbin 2.20.0";

const MODEL: &str = "
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act
";

/// The enforcer of the last job.
#[derive(Default)]
pub(crate) struct Asked {
    enforcer: Option<((u32, u32), Enforcer)>,
}

impl Asked {
    pub(crate) async fn work(&mut self, job: &Job) -> Result<Report, Failure> {
        match job.work {
            Work::Load => return load(job).await,
            Work::Memory => return memory(job).await,
            _ => {}
        }
        let enforcer = self.enforcer(job).await?;
        match job.work {
            Work::WhoCan => who_can(enforcer, job).await,
            Work::WhatCan => job.timed(VERSION, |question, _| {
                let rules = enforcer.get_implicit_permissions_for_user(&question.user, None);
                Ok(rules.iter().any(|rule| rule.contains(&question.data)) == question.allowed)
            }),
            _ => job.timed(VERSION, |question, _| check(enforcer, question)),
        }
    }

    async fn enforcer(&mut self, job: &Job) -> Result<&mut Enforcer, Failure> {
        if self.enforcer.as_ref().is_none_or(|(size, _)| *size != job.size()) {
            self.enforcer = Some((job.size(), enforcer(text(job)).await?));
        }
        self.enforcer.as_mut().map(|(_, enforcer)| enforcer).ok_or_else(|| "there is no enforcer".into())
    }
}

fn text(job: &Job) -> String {
    let grants = job.grants().map(|(role, data)| format!("p, {role}, {data}, read"));
    let assignments = job.assignments().map(|(user, role)| format!("g, {user}, {role}"));
    grants.chain(assignments).collect::<Vec<_>>().join("\n")
}

async fn enforcer(text: String) -> Result<Enforcer, Failure> {
    let model = DefaultModel::from_str(MODEL).await?;
    Ok(Enforcer::new(model, StringAdapter::new(text)).await?)
}

fn check(enforcer: &Enforcer, question: &Question) -> Result<bool, Failure> {
    Ok(enforcer.enforce((question.user.as_str(), question.data.as_str(), "read"))? == question.allowed)
}

async fn who_can(enforcer: &mut Enforcer, job: &Job) -> Result<Report, Failure> {
    let (mut answered, mut wrong) = (0, 0);
    let started = thread_time();
    for (_, question) in job.turns() {
        let asked = vec![question.data.clone(), "read".to_owned()];
        let users = enforcer.get_implicit_users_for_permission(asked).await;
        wrong += u32::from(users.contains(&question.user) != question.allowed);
        answered += 1;
    }
    job.report(VERSION, started, (answered, wrong))
}

/// The text is at hand; what is timed is reading it and building the graph of roles.
async fn load(job: &Job) -> Result<Report, Failure> {
    let mut enforcer = enforcer(text(job)).await?;
    let started = thread_time();
    for _ in 0..job.count {
        enforcer.load_policy().await?;
    }
    let elapsed = thread_time().saturating_sub(started);
    for question in &job.questions {
        if !check(&enforcer, question)? {
            return Err("what was loaded has another answer".into());
        }
    }
    let rate = f64::from(job.count) / elapsed.as_secs_f64();
    Ok(Report { answered: job.count, rate, bytes: 0, version: VERSION })
}

async fn memory(job: &Job) -> Result<Report, Failure> {
    let before = resident()?;
    let enforcer = enforcer(text(job)).await?;
    let bytes = resident()?.saturating_sub(before);
    let report = job.timed(VERSION, |question, _| check(&enforcer, question))?;
    Ok(Report { bytes, ..report })
}

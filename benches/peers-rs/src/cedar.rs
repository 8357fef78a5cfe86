//! Cedar as its manual has it: one policy for all, and data that names its readers.

use std::collections::{HashMap, HashSet};
use std::str::FromStr;

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
    RestrictedExpression,
};

use crate::job::{Failure, Job, Report, Work};

const VERSION: &str = "cedar-policy 4.14.1";

const POLICY: &str =
    r#"permit(principal, action == Action::"read", resource) when { principal in resource.readers };"#;

/// The entities of the last job.
#[derive(Default)]
pub(crate) struct Asked {
    known: Option<((u32, u32), Known)>,
}

struct Known {
    authorizer: Authorizer,
    policies: PolicySet,
    entities: Entities,
    names: Names,
}

struct Names {
    user: EntityTypeName,
    role: EntityTypeName,
    readers: EntityTypeName,
    data: EntityTypeName,
    read: EntityUid,
}

impl Asked {
    pub(crate) fn work(&mut self, job: &Job) -> Result<Report, Failure> {
        let known = self.known(job)?;
        let permits = |request: &Request| {
            let response = known.authorizer.is_authorized(request, &known.policies, &known.entities);
            response.decision() == Decision::Allow
        };
        match job.work {
            Work::Check => {
                let requests = job.questions.iter().map(|it| known.names.request(&it.user, &it.data));
                let requests = requests.collect::<Result<Vec<_>, _>>()?;
                job.timed(VERSION, |question, at| Ok(permits(&requests[at]) == question.allowed))
            }
            Work::CheckText => job.timed(VERSION, |question, _| {
                Ok(permits(&known.names.request(&question.user, &question.data)?) == question.allowed)
            }),
            other => Err(format!("cedar has no answer to {other:?}").into()),
        }
    }

    fn known(&mut self, job: &Job) -> Result<&Known, Failure> {
        if self.known.as_ref().is_none_or(|(size, _)| *size != job.size()) {
            self.known = Some((job.size(), Known::new(job)?));
        }
        self.known.as_ref().map(|(_, known)| known).ok_or_else(|| "nothing is known".into())
    }
}

impl Known {
    fn new(job: &Job) -> Result<Self, Failure> {
        let names = Names::new()?;
        let mut all = Vec::new();
        for data in job.data() {
            // The readers are an entity with the roles below it, so that one look is enough however many they are.
            let readers = uid(&names.readers, &data);
            let named = RestrictedExpression::new_entity_uid(readers.clone());
            all.push(Entity::new_no_attrs(readers, HashSet::new()));
            let attrs = HashMap::from([("readers".to_owned(), named)]);
            all.push(Entity::new(uid(&names.data, &data), attrs, HashSet::new())?);
        }
        for (role, data) in job.grants() {
            all.push(Entity::new_no_attrs(
                uid(&names.role, &role),
                HashSet::from([uid(&names.readers, &data)]),
            ));
        }
        for (user, role) in job.assignments() {
            all.push(Entity::new_no_attrs(uid(&names.user, &user), HashSet::from([uid(&names.role, &role)])));
        }
        let entities = Entities::from_entities(all, None)?;
        Ok(Self { authorizer: Authorizer::new(), policies: PolicySet::from_str(POLICY)?, entities, names })
    }
}

impl Names {
    fn new() -> Result<Self, Failure> {
        let name = |text: &str| EntityTypeName::from_str(text);
        let read = EntityUid::from_type_name_and_id(name("Action")?, EntityId::new("read"));
        Ok(Self {
            user: name("User")?,
            role: name("Role")?,
            readers: name("Readers")?,
            data: name("Data")?,
            read,
        })
    }

    fn request(&self, user: &str, data: &str) -> Result<Request, Failure> {
        let (user, data) = (uid(&self.user, user), uid(&self.data, data));
        Ok(Request::new(user, self.read.clone(), data, Context::empty(), None)?)
    }
}

fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

//! The rooms of the back office: where each is, what opens it, and its line in the side menu.

use rbac::Permission;

use super::text::Text;
use crate::perm;

/// One room.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// Its name in code: the tab that is on.
    pub(crate) tab: &'static str,
    pub(crate) path: &'static str,
    /// What opens it.
    pub(crate) permission: Permission,
    pub(crate) name: fn(&Text) -> &'static str,
    /// Its picture: the path of an icon of 24 by 24.
    pub(crate) icon: &'static str,
}

/// Rooms that belong together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wing {
    pub(crate) name: fn(&Text) -> &'static str,
    pub(crate) rooms: &'static [Room],
}

const fn room(
    tab: &'static str,
    path: &'static str,
    permission: Permission,
    name: fn(&Text) -> &'static str,
    icon: &'static str,
) -> Room {
    Room { tab, path, permission, name, icon }
}

/// Every room, wing by wing.
pub(crate) const WINGS: [Wing; 4] = [
    Wing {
        name: |t| t.wing_people,
        rooms: &[
            room(
                "overview",
                "/admin/overview",
                perm::USER_VIEW,
                |t| t.overview,
                "M4 13h6V4H4zM14 20h6V4h-6zM4 20h6v-4H4z",
            ),
            room(
                "users",
                "/admin/users",
                perm::USER_VIEW,
                |t| t.users,
                "M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM2 21a7 7 0 0 1 14 0M17 4a3.5 3.5 0 0 1 0 7M18 14a6 6 0 0 1 4 6",
            ),
            room(
                "departments",
                "/admin/departments",
                perm::USER_VIEW,
                |t| t.departments,
                "M10 3h4v5h-4zM3 16h5v5H3zM16 16h5v5h-5zM12 8v4M5.5 16v-4h13v4",
            ),
            room(
                "domains",
                "/admin/domains",
                perm::USER_VIEW,
                |t| t.rooms.domains,
                "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM3.5 12h17M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18",
            ),
            room(
                "expiry",
                "/admin/expiry",
                perm::USER_VIEW,
                |t| t.expiry,
                "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3.5 2",
            ),
            room("online", "/admin/online", perm::SESSION_VIEW, |t| t.online, "M3 5h18v11H3zM8 20h8M12 16v4"),
        ],
    },
    Wing {
        name: |t| t.wing_rules,
        rooms: &[
            room(
                "roles",
                "/admin/roles",
                perm::ROLE_VIEW,
                |t| t.roles,
                "M12 3l8 3v6c0 5-3.5 8-8 9-4.5-1-8-4-8-9V6zM9 12l2.2 2.2L15.5 10",
            ),
            room(
                "matrix",
                "/admin/matrix",
                perm::ROLE_VIEW,
                |t| t.matrix,
                "M3 3h18v18H3zM3 9h18M3 15h18M9 3v18M15 3v18",
            ),
            room(
                "permissions",
                "/admin/permissions",
                perm::ROLE_VIEW,
                |t| t.permissions,
                "M14 10a5 5 0 1 0-4.5 5L11 13.5h2V11.5zM13 11l8 8M18 16l-2 2M8 8h.01",
            ),
            room(
                "graph",
                "/admin/graph",
                perm::ROLE_VIEW,
                |t| t.graph,
                "M6 8a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM18 8a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM12 21a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM6.5 8l4 8M17.5 8l-4 8",
            ),
            room(
                "duties",
                "/admin/duties",
                perm::ROLE_VIEW,
                |t| t.duties,
                "M12 3v18M4 7h16M4 7l-2 7h6zM20 7l-2 7h6zM8 21h8",
            ),
            room(
                "who",
                "/admin/who-can",
                perm::USER_VIEW,
                |t| t.who_can,
                "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l5 5M8.8 9.3a2.3 2.3 0 1 1 3.3 2c-.8.4-1.1.8-1.1 1.6M11 15h.01",
            ),
        ],
    },
    Wing {
        name: |t| t.wing_record,
        rooms: &[
            room(
                "audit",
                "/admin/audit",
                perm::AUDIT_VIEW,
                |t| t.audit,
                "M6 3h9l4 4v14H6zM14 3v5h5M9 12h7M9 16h7",
            ),
            room(
                "cases",
                "/admin/cases",
                perm::ROLE_VIEW,
                |t| t.rooms.cases,
                "M4 6l2 2 3-4M4 13l2 2 3-4M4 20l2 2 3-4M12 6h8M12 13h8M12 20h8",
            ),
            room(
                "transfer",
                "/admin/transfer",
                perm::ROLE_VIEW,
                |t| t.rooms.transfer,
                "M8 4v14M4 14l4 4 4-4M16 20V6M12 10l4-4 4 4",
            ),
        ],
    },
    Wing {
        name: |t| t.wing_school,
        rooms: &[
            room("sales", "/admin/sales", perm::SALE_EDIT, |t| t.sales, "M13 2 4 14h7l-1 8 9-12h-7z"),
            room(
                "orders",
                "/admin/orders",
                perm::PAYMENT_VIEW,
                |t| t.orders,
                "M5 3h14v18l-3-2-2 2-2-2-2 2-2-2-3 2zM9 8h6M9 12h6",
            ),
            room(
                "reconcile",
                "/admin/reconcile",
                perm::PAYMENT_RECONCILE,
                |t| t.reconcile,
                "M4 8h13l-3-3M20 16H7l3 3",
            ),
        ],
    },
];

/// The wings as one visitor sees them: what they may open, with names in their language.
#[derive(Debug, Clone)]
pub(crate) struct MenuWing {
    pub(crate) name: &'static str,
    pub(crate) rooms: Vec<MenuRoom>,
}

/// A line of the side menu.
#[derive(Debug, Clone)]
pub(crate) struct MenuRoom {
    pub(crate) tab: &'static str,
    pub(crate) path: &'static str,
    pub(crate) name: &'static str,
    pub(crate) icon: &'static str,
}

/// The menu of somebody who may do what `may` says.
pub(crate) fn menu(may: impl Fn(Permission) -> bool, t: &Text) -> Vec<MenuWing> {
    let line =
        |room: &Room| MenuRoom { tab: room.tab, path: room.path, name: (room.name)(t), icon: room.icon };
    let wings = WINGS.iter().map(|wing| MenuWing {
        name: (wing.name)(t),
        rooms: wing.rooms.iter().filter(|room| may(room.permission)).map(line).collect(),
    });
    wings.filter(|wing| !wing.rooms.is_empty()).collect()
}

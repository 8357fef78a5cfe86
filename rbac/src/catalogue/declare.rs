//! The macro that declares permissions.

/// Declares the permissions of a program: a module with a constant for each, and the [`Catalogue`](crate::Catalogue)
/// of all, `CATALOGUE`.
///
/// Each box of permissions and each permission has a label in Chinese and in English, for pages; `sensitive` marks
/// what deserves a second look before it is granted. A name of the wrong shape, one that stands twice, or one that
/// begins with `rbac:` does not compile.
///
/// # Examples
///
/// ```
/// rbac::permissions! {
///     /// What can be asked for at school.
///     pub mod may {
///         course("课程", "Courses") {
///             VIEW = "course:view" ("查看课程", "View courses"),
///             EDIT = "course:edit" ("编辑课程", "Edit courses"),
///         }
///         order("订单", "Orders") {
///             REFUND = "order:refund" ("退款", "Refund an order") sensitive,
///         }
///     }
/// }
///
/// use rbac::{Policy, PolicyRows, UnixMillis, UserRow};
///
/// let mut rows = PolicyRows::default();
/// rows.users.insert("alice".parse()?, UserRow::new("Alice".parse()?));
/// let policy = Policy::compile_with(may::CATALOGUE, &rows)?;
/// let alice = policy.at(UnixMillis::EPOCH).subject_str("alice").expect("added above");
/// assert!(!alice.can(may::course::EDIT));
/// assert_eq!(may::order::REFUND.name(), "order:refund");
/// assert!(may::CATALOGUE.modules()[1].entries[0].sensitive);
/// # Ok::<(), rbac::Error>(())
/// ```
///
/// A slip in the name of a constant, of a permission, or a name that is taken does not compile:
///
/// ```compile_fail
/// rbac::permissions! { mod may { course("课程", "Courses") { VIEW = "course:*" ("查看课程", "View courses") } } }
/// ```
///
/// ```compile_fail
/// rbac::permissions! {
///     mod may { course("课程", "Courses") { VIEW = "course:view" ("一", "One"), SEE = "course:view" ("二", "Two") } }
/// }
/// let _ = may::course::VIEW;
/// ```
///
/// ```compile_fail
/// rbac::permissions! { mod may { user("用户", "Users") { VIEW = "rbac:user:view" ("查看用户", "View users") } } }
/// ```
#[macro_export]
macro_rules! permissions {
    ($(#[$meta:meta])* $visibility:vis mod $name:ident { $($boxes:tt)* }) => {
        $(#[$meta])*
        #[allow(dead_code, unreachable_pub, reason = "a program need not use all that it declares")]
        $visibility mod $name {
            $crate::__permissions! { declared $($boxes)* }
        }
    };
}

/// The inside of [`permissions!`](crate::permissions).
#[doc(hidden)]
#[macro_export]
macro_rules! __permissions {
    ($kind:ident $(
        $(#[$box_meta:meta])*
        $box:ident($box_zh:literal, $box_en:literal) {
            $($(#[$meta:meta])* $name:ident = $text:literal ($zh:literal, $en:literal) $($mark:ident)?),+ $(,)?
        }
    )+) => {
        /// All permissions that are declared here.
        pub const CATALOGUE: &$crate::Catalogue = &$crate::Catalogue::$kind(&[$(
            $crate::Module::new(stringify!($box), $crate::Text { zh: $box_zh, en: $box_en }, &[$(
                $crate::Entry::new(
                    $text,
                    $crate::Text { zh: $zh, en: $en },
                    $crate::__permissions!(@sensitive $($mark)?),
                ),
            )+]),
        )+]);

        $(
            #[doc = $box_en]
            $(#[$box_meta])*
            pub mod $box {
                $(
                    #[doc = concat!($en, ": `", $text, "`.")]
                    $(#[$meta])*
                    pub const $name: $crate::Permission = match super::CATALOGUE.permission($text) {
                        Some(permission) => permission,
                        None => panic!(concat!("permission `", $text, "` is declared twice")),
                    };
                )+
            }
        )+
    };
    (@sensitive) => { false };
    (@sensitive sensitive) => { true };
}

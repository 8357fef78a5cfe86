//! How a row of a table becomes a value: each column by the name of its field.

/// Lets a struct be read from a row whose columns are called as its fields.
macro_rules! from_row {
    ($name:ident { $($field:ident),+ $(,)? }) => {
        impl<'r> sqlx::FromRow<'r, sqlx::sqlite::SqliteRow> for $name {
            fn from_row(row: &'r sqlx::sqlite::SqliteRow) -> Result<Self, sqlx::Error> {
                use sqlx::Row as _;
                Ok(Self { $($field: row.try_get(stringify!($field))?),+ })
            }
        }
    };
}

/// Lets an enum stand in a column as one of these words.
macro_rules! text_column {
    ($name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl sqlx::Type<sqlx::Sqlite> for $name {
            fn type_info() -> sqlx::sqlite::SqliteTypeInfo {
                <str as sqlx::Type<sqlx::Sqlite>>::type_info()
            }
        }

        impl<'q> sqlx::Encode<'q, sqlx::Sqlite> for $name {
            fn encode_by_ref(
                &self,
                buffer: &mut <sqlx::Sqlite as sqlx::Database>::ArgumentBuffer,
            ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                let word = match self { $(Self::$variant => $word),+ };
                <&'static str as sqlx::Encode<'_, sqlx::Sqlite>>::encode(word, buffer)
            }
        }

        impl<'r> sqlx::Decode<'r, sqlx::Sqlite> for $name {
            fn decode(value: sqlx::sqlite::SqliteValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
                match <&str as sqlx::Decode<'_, sqlx::Sqlite>>::decode(value)? {
                    $($word => Ok(Self::$variant),)+
                    word => Err(format!("`{}` is none of the words of this column", word.escape_debug()).into()),
                }
            }
        }
    };
}

pub(super) use {from_row, text_column};

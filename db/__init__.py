"""The record: tables, statements, migrations. The only home of SQLAlchemy."""

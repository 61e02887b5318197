"""The database: tables, statements and migrations. Only this package uses SQLAlchemy."""

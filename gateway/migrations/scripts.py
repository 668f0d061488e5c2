"""Run the SQL files of one version of the schema."""

from importlib.resources import files

from alembic import op


def run(version: str) -> None:
    """Run every file under sql/<version>/ in the order of their names.

    Handed to the driver as they are: plpgsql is full of colons and percent signs.
    """
    connection = op.get_bind()
    folder = files("gateway.migrations") / "sql" / version
    for script in sorted(folder.iterdir(), key=lambda file: file.name):
        cursor = connection.connection.cursor()
        cursor.execute(script.read_text().encode())

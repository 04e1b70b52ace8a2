"""A notebook: a table that lies in a cloud, read where it is. Editors that know `# %%` show its cells."""

# %% Who is asking is what the command knows: run `downspout login` once, in a terminal.
import csv
import io

from downspout import Client

client = Client.from_user_config()
URI = "koodrive:/Reports/2025/table.csv"

# %% What is there?
for child in client.resolve("koodrive:/Reports/2025").children:
    print(child.path, child.size)

# %% Read it; nothing is written to disk, and of a large one no more than is needed.
try:
    import pandas
except ImportError:  # the same with what Python brings
    with client.open(URI) as file:
        rows = list(csv.DictReader(io.TextIOWrapper(file, "utf-8", newline="")))
    total = sum(float(row["value"]) for row in rows)
else:
    with client.open(URI) as file:
        table = pandas.read_csv(file)
    total = table["value"].sum()
print(f"{total:.1f}")

# %% In the end, or when the kernel stops.
client.close()

"""Write what the documents and definitions have from the code."""

from tests.documents import definitions, models, sample, tables

tables.README.write_text(tables.updated(tables.README.read_text("utf-8")), "utf-8")
page = tables.ARCHITECTURE
page.write_text(tables.architecture(page.read_text("utf-8")), "utf-8")
page = sample.PAGE
page.write_text(sample.updated(page.read_text("utf-8")), "utf-8")
for file in definitions.FILES:
    file.write_text(definitions.text(), "utf-8")
for file, text in models.FILES.items():
    file.write_text(text(), "utf-8")

"""The paper's figures and the overviews of a report, drawn with matplotlib."""

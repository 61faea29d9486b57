package billing

// NewRow returns the row struct of a dataset, for other csv readers to fill.
func NewRow(ds Dataset) any { return newRow(ds) }

// Fill puts cells into the layout's row struct and returns it.
func (l *Layout) Fill(fields []string) any {
	l.fill(fields)
	return l.row
}

// CountryList is the table of countries.
func CountryList() string { return countryList }

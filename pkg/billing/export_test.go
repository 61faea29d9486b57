package billing

// NewRow returns a pointer to the row struct of a dataset, which another CSV reader can fill.
func NewRow(ds Dataset) any { return newRow(ds) }

// Fill puts the cells of a row into the layout's row struct and returns that struct.
func (l *Layout) Fill(fields []string) any {
	l.fill(fields)
	return l.row
}

// CountryList returns the list of countries.
func CountryList() string { return countryList }

package billing

// NewRow returns a pointer to the row struct of a dataset, which another CSV reader can fill.
func NewRow(ds Dataset) any { return newRow(ds) }

// Columns lists the headers of a dataset's files, in their order.
func Columns(ds Dataset) []string {
	var names []string
	for _, c := range datasetColumns(ds) {
		names = append(names, c.name)
	}
	return names
}

// Fill puts the cells of a row into the layout's row struct and returns that struct.
func (l *Layout) Fill(fields []string) any {
	l.fill(fields)
	return l.row
}

// CountryList returns the list of countries.
func CountryList() string { return countryList }

package wire

// Correction is a rejected row as a person has corrected it.
type Correction struct {
	File string `json:"file"` // as the import names it
	Line int64  `json:"line"`
	// the cells that are changed, by the names of their columns or fields
	Cells map[string]string `json:"cells"`
}

// Corrections are the corrected rows of an import.
type Corrections struct {
	Rows []Correction `json:"rows"`
}

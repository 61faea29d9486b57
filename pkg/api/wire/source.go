package wire

import "time"

// Source is a data source.
type Source struct {
	UUID      string    `json:"uuid"`
	Name      string    `json:"name"`
	System    string    `json:"system"`
	CreatedAt time.Time `json:"created_at"`
	Status    string    `json:"status"`
}

// Sources are all data sources.
type Sources struct {
	Sources []Source `json:"data_sources"`
}

// Settings say how tables are read. Their names and values are the same as in the options of the command.
type Settings struct {
	Encoding   string   `json:"encoding,omitempty"`
	Delimiter  string   `json:"delimiter,omitempty"`
	SkipLines  int      `json:"skip_lines,omitempty"`
	Map        []string `json:"map,omitempty"`
	DateFormat string   `json:"date_format,omitempty"`
	Amounts    string   `json:"amounts,omitempty"`
	Decimal    string   `json:"decimal,omitempty"`
	IDs        string   `json:"ids,omitempty"`
}

// KeptSettings are the settings that a source keeps for a dataset.
type KeptSettings struct {
	Dataset string `json:"dataset"`
	Settings
}

// SourceSettings are all settings that a source keeps.
type SourceSettings struct {
	Settings []KeptSettings `json:"settings"`
}

// Edit is what people have done to one record. What they have not done is left out.
type Edit struct {
	ID         string           `json:"id"`
	What       []string         `json:"what"`
	Orphaned   bool             `json:"orphaned"`
	Author     string           `json:"author,omitempty"`
	ChangedAt  *time.Time       `json:"changed_at,omitempty"`
	Tags       []string         `json:"tags,omitempty"`
	Attributes map[string]any   `json:"attributes,omitempty"`
	Fields     map[string]Field `json:"fields,omitempty"`
	Disabled   *Mark            `json:"disabled,omitempty"`
	Deleted    *Mark            `json:"deleted,omitempty"`
	MergedInto *string          `json:"merged_into,omitempty"`
	MergedFrom []string         `json:"merged_from,omitempty"`
}

// Mark says who did something, and when.
type Mark struct {
	Author string    `json:"author"`
	At     time.Time `json:"at"`
}

// Field is a changed field. Value is null if the field was emptied.
type Field struct {
	Value any `json:"value"`
	Mark
}

// EditPage is a page of what people have done to the records of a source.
type EditPage struct {
	Edits   []Edit  `json:"edits"`
	Cursor  *string `json:"cursor"`
	HasMore bool    `json:"has_more"`
}

// Dropped is how many edits were dropped.
type Dropped struct {
	Dropped int `json:"dropped"`
}

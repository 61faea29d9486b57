package console

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"reseed/pkg/api/wire"
)

type sourceSettingsPage struct {
	sourceHead
	connectionPart

	Kept     []wire.KeptSettings
	Datasets []dataset // of which files may hold rows
	Dataset  dataset   // whose settings can be changed in a form; without a name if there is no form
	Reading  []formField
	Choices  []formChoice
	Map      formField
	Schedule []formField
	Saved    string // what was saved just now: reading, schedule, connected, checked, mapping or disconnected
}

// IsSystem reports whether the source pulls from a billing system, or may be connected with one.
func (p sourceSettingsPage) IsSystem() bool {
	if p.Pull != nil {
		return p.Pull.Connection != nil
	}
	return p.Connect != nil
}

// formChoice is a choice among a few words.
type formChoice struct {
	Name, Label, Hint string
	Value             string
	Options           [][2]string // value and text
	Problem           string
}

// importable lists the datasets that files hold.
func importable() []dataset {
	return append(tables(), dataset{Name: "cancellations", Label: "Cancellations"})
}

// readingFields are the settings that are texts.
func readingFields(s wire.Settings) []formField {
	lines := ""
	if s.SkipLines > 0 {
		lines = strconv.Itoa(s.SkipLines)
	}
	return []formField{
		{Name: "encoding", Label: "Encoding", Hint: "Empty: UTF-8. Others are windows-1252, iso-8859-2, utf-16le, shift_jis, …", Kind: "text", Value: s.Encoding},
		{Name: "delimiter", Label: "Delimiter", Hint: "Empty: found from the header row. Else one character, or the word tab.", Kind: "text", Value: s.Delimiter},
		{Name: "skip_lines", Label: "Lines before the header row", Hint: "Empty: found.", Kind: "text", Value: lines},
		{Name: "date_format", Label: "Format of dates", Hint: "Empty: 2026-11-23. Else such as DD.MM.YYYY.", Kind: "text", Value: s.DateFormat},
	}
}

// readingChoices are the settings that are words.
func readingChoices(s wire.Settings) []formChoice {
	return []formChoice{
		{Name: "amounts", Label: "Amounts", Value: s.Amounts, Options: [][2]string{{"", "not set: in cents, such as 1250"}, {"cents", "in cents, such as 1250"}, {"units", "in units, such as 12.50"}}},
		{Name: "decimal", Label: "Decimal sign", Value: s.Decimal, Options: [][2]string{{"", "not set: a point"}, {"point", "a point"}, {"comma", "a comma"}}},
		{Name: "ids", Label: "IDs", Value: s.IDs, Options: [][2]string{{"", "not set: checked for damage by spreadsheets"}, {"checked", "checked for damage by spreadsheets"}, {"verbatim", "taken as they are"}}},
	}
}

func mapField(s wire.Settings) formField {
	return formField{Name: "map", Label: "Columns", Hint: "One a line, such as Customer ID=External ID: the header in the file, and the column that it is.", Value: strings.Join(s.Map, "\n")}
}

// scheduleFields are when a source is pulled, and what waits for a yes.
func scheduleFields(s *wire.Syncs) []formField {
	var fields []formField
	if s.Connection == nil {
		fields = []formField{{Name: "spreadsheet", Label: "Spreadsheet", Hint: "Its address in Google Sheets.", Kind: "text", Value: s.SpreadsheetURL, Required: true}}
	}
	return append(fields, []formField{
		{Name: "every", Label: "Re-sync every", Hint: "Such as 6h, 2d or 30m; never: only when somebody asks for it.", Kind: "text", Value: s.Every, Required: true},
		{Name: "max_changed", Label: "Most rows changed, in percent", Hint: "A scheduled re-sync that would change a larger share of a dataset waits for a yes.", Kind: "text", Value: strconv.Itoa(s.MaxChanged), Required: true},
		{Name: "max_removed", Label: "Most rows removed, in percent", Hint: "A re-sync that would remove a larger share of a dataset waits for a yes.", Kind: "text", Value: strconv.Itoa(s.MaxRemoved), Required: true},
	}...)
}

// sourceSettingsPage reads the settings of the source of the path.
func (v *visit) sourceSettingsPage() (p sourceSettingsPage, err error) {
	if p.sourceHead, err = v.sourceHead(tabSettings); err != nil {
		return p, err
	}
	if p.Kept, err = v.client.Settings(v.ctx(), p.Source.UUID); err != nil {
		return p, err
	}
	if p.connectionPart, err = v.connectionPart(p.sourceHead); err != nil {
		return p, err
	}
	if p.Pull != nil {
		p.Schedule = scheduleFields(p.Pull)
	}
	p.Datasets, p.Saved = importable(), oneOf(v.URL.Query().Get("saved"), "reading", "schedule", "connected", "checked", "mapping", "disconnected")
	if at := slices.IndexFunc(p.Datasets, func(ds dataset) bool { return ds.Name == v.FormValue("dataset") }); at >= 0 {
		p.change(p.Datasets[at])
	}
	return p, nil
}

// change shows the form with the settings of a dataset.
func (p *sourceSettingsPage) change(ds dataset) {
	var now wire.Settings
	if at := slices.IndexFunc(p.Kept, func(k wire.KeptSettings) bool { return k.Dataset == ds.Name }); at >= 0 {
		now = p.Kept[at].Settings
	}
	p.Dataset, p.Reading, p.Choices, p.Map = ds, readingFields(now), readingChoices(now), mapField(now)
}

// showSourceSettings is GET /sources/{id}/settings. dataset shows the form of a dataset.
func (c *Console) showSourceSettings(v *visit) (answer, error) {
	p, err := v.sourceSettingsPage()
	return show("sourcesettings", p), err
}

// changeReading is POST /sources/{id}/settings: how files of a dataset are read.
func (c *Console) changeReading(v *visit) (answer, error) {
	change := map[string]any{"dataset": v.PostFormValue("dataset")}
	for _, name := range []string{"encoding", "delimiter", "date_format", "amounts", "decimal", "ids"} {
		change[name] = given(v.PostFormValue(name))
	}
	change["skip_lines"] = given(v.PostFormValue("skip_lines"))
	if n, err := strconv.Atoi(strings.TrimSpace(v.PostFormValue("skip_lines"))); err == nil {
		change["skip_lines"] = n
	}
	change["map"] = lines(v.PostFormValue("map"))
	_, err := v.client.ChangeSettings(v.ctx(), v.PathValue("id"), change)
	problems, ok := problemsOf(err)
	if !ok || problems["dataset"] != "" {
		return goTo(sourcePath(v.PathValue("id"), "settings?saved=reading")), err
	}
	p, err := v.sourceSettingsPage()
	if err != nil {
		return answer{}, err
	}
	p.Reading = fill(p.Reading, v.PostForm, problems)
	p.Map = fill([]formField{p.Map}, v.PostForm, problems)[0]
	for i := range p.Choices {
		ch := &p.Choices[i]
		ch.Value, ch.Problem = v.PostFormValue(ch.Name), problems[ch.Name]
	}
	return refuse("sourcesettings", p), nil
}

// given is a text, or nil if it is empty.
func given(text string) any {
	if text = strings.TrimSpace(text); text != "" {
		return text
	}
	return nil
}

// lines are the lines of a text that are not blank; nil if there are none.
func lines(text string) any {
	var list []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, line)
		}
	}
	if list == nil {
		return nil
	}
	return list
}

// changeSchedule is POST /sources/{id}/settings/schedule.
func (c *Console) changeSchedule(v *visit) (answer, error) {
	spreadsheet, every := strings.TrimSpace(v.PostFormValue("spreadsheet")), strings.TrimSpace(v.PostFormValue("every"))
	change := wire.SyncChange{Every: &every}
	if v.PostForm.Has("spreadsheet") { // not in the form of a billing system
		change.Spreadsheet = &spreadsheet
	}
	problems := map[string]string{}
	for name, to := range map[string]**int{"max_changed": &change.MaxChanged, "max_removed": &change.MaxRemoved} {
		n, err := strconv.Atoi(strings.TrimSpace(v.PostFormValue(name)))
		if *to = &n; err != nil {
			problems[name] = "It is a percentage from 0 to 100."
		}
	}
	if len(problems) == 0 {
		_, err := v.client.ChangeSyncs(v.ctx(), v.PathValue("id"), change)
		var ok bool
		if problems, ok = problemsOf(err); !ok {
			return goTo(sourcePath(v.PathValue("id"), "settings?saved=schedule")), err
		}
	}
	p, err := v.sourceSettingsPage()
	p.Schedule = fill(p.Schedule, v.PostForm, problems)
	return refuse("sourcesettings", p), err
}

// Facts are settings in words, for people.
func (sourceSettingsPage) Facts(s wire.Settings) (facts []string) {
	for _, f := range append(readingFields(s), mapField(s)) {
		if f.Value != "" {
			facts = append(facts, fmt.Sprintf("%s: %s", f.Label, strings.ReplaceAll(f.Value, "\n", ", ")))
		}
	}
	for _, ch := range readingChoices(s) {
		at := slices.IndexFunc(ch.Options, func(o [2]string) bool { return o[0] == ch.Value })
		if at > 0 {
			facts = append(facts, ch.Label+": "+ch.Options[at][1])
		}
	}
	return facts
}

// Label is the name of a dataset for people.
func (sourceSettingsPage) Label(name string) string {
	all := importable()
	if at := slices.IndexFunc(all, func(ds dataset) bool { return ds.Name == name }); at >= 0 {
		return all[at].Label
	}
	return words(name)
}

// ChangeTo is the address of the form for a dataset.
func (p sourceSettingsPage) ChangeTo(name string) string {
	return p.To("settings") + "?dataset=" + url.QueryEscape(name) + "#reading"
}

package console

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"reseed/pkg/api/wire"
)

// changesPage lists the rows that an import adds, changes or removes, with what differs.
type changesPage struct {
	base
	Job     jobPage
	Filter  wire.ChangeFilter
	Rows    []changedRow
	Search  int64  // rows that were looked through
	Next    string // address of the next page; empty after the last one
	IsFirst bool
}

// changedRow is one row of a change set.
type changedRow struct {
	Dataset string
	Action  string
	Name    string // its external id, or what else tells which row it is
	Record  string // of an edit: public id of the record
	Where   string // in the input
	Fields  []changedField
}

// changedField is a field whose value differs; Before is empty if there was none, After if there will be
// none.
type changedField struct{ Name, Before, After string }

// How many rows a page of changes has, and one of rejects or edits.
const (
	pageOfChanges = 50 // an added row shows all its fields
	pageOfRejects = 100
)

// jobChanges is GET /jobs/{id}/changes?dataset=&action=&cursor=.
func (c *Console) jobChanges(v *visit) (answer, error) {
	job, err := v.jobPage()
	if err != nil {
		return answer{}, err
	}
	p := changesPage{Job: job, Filter: wire.ChangeFilter{Dataset: v.FormValue("dataset"), Action: v.FormValue("action")}, IsFirst: v.FormValue("cursor") == ""}
	p.base = v.base("Rows of: "+job.Title, "jobs")
	page, err := v.client.ChangePage(v.ctx(), job.Job.ID, p.Filter, v.FormValue("cursor"), pageOfChanges)
	if err != nil {
		return answer{}, err
	}
	p.Search = int64(page.Searched)
	for i := range page.Changes {
		p.Rows = append(p.Rows, changedRowOf(&page.Changes[i], page.Decimals))
	}
	if page.HasMore && page.Cursor != nil {
		p.Next = p.address(p.Filter.Dataset, p.Filter.Action, *page.Cursor)
	}
	return show("changes", p), nil
}

// address is that of a list of changes.
func (p changesPage) address(dataset, action, cursor string) string {
	q := url.Values{}
	for name, value := range map[string]string{"dataset": dataset, "action": action, "cursor": cursor} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if len(q) == 0 {
		return jobPath(p.Job.Job, "changes")
	}
	return jobPath(p.Job.Job, "changes") + "?" + q.Encode()
}

// First is the address of the first page.
func (p changesPage) First() string { return p.address(p.Filter.Dataset, p.Filter.Action, "") }

// changeChip is a link that narrows a list.
type changeChip struct {
	Text, To string
	N        int64
	Here     bool
}

// Chips are links to the changes of each kind, with how many rows they have.
func (p changesPage) Chips() []changeChip {
	var sum wire.Counts
	for name, c := range p.Job.Job.Datasets {
		if p.Filter.Dataset == "" || p.Filter.Dataset == name {
			sum = sum.Add(c)
		}
	}
	list := []changeChip{{"all", p.address(p.Filter.Dataset, "", ""), sum.Added + sum.Changed + sum.Removed, p.Filter.Action == ""}}
	for _, f := range p.Job.figures(sum, p.Filter.Dataset) {
		action := f.action()
		if action != "" && f.N > 0 {
			list = append(list, changeChip{f.Word, p.address(p.Filter.Dataset, action, ""), f.N, p.Filter.Action == action})
		}
	}
	return list
}

// action is the action of the changes that the figure counts; empty of other figures.
func (f jobFigure) action() string {
	switch f.Word {
	case "added", "put back":
		return wire.Added
	case "changed", "changed back":
		return wire.Changed
	case "removed", "removed again":
		return wire.Removed
	}
	return ""
}

// DatasetChips are links to the changes of each dataset.
func (p changesPage) DatasetChips() (list []changeChip) {
	for _, name := range orderedDatasets(p.Job.Job.Datasets) {
		c := p.Job.Job.Datasets[name]
		if n := c.Added + c.Changed + c.Removed; n > 0 {
			list = append(list, changeChip{words(name), p.address(name, "", ""), n, p.Filter.Dataset == name})
		}
	}
	if len(list) == 1 {
		return nil
	}
	all := changeChip{Text: "all datasets", To: p.address("", p.Filter.Action, ""), Here: p.Filter.Dataset == ""}
	for _, one := range list {
		all.N += one.N
	}
	return append([]changeChip{all}, list...)
}

// changedFields is in how many changed rows a field differs.
type changedFields struct {
	Dataset, Field string
	N, Of          int64
}

// Fields says in how many rows each field differs, most first. It is known of previews and of syncs.
func (p changesPage) Fields() (list []changedFields) {
	if !p.IsFirst || p.Filter.Action != "" && p.Filter.Action != wire.Changed {
		return nil
	}
	job := p.Job.Job
	for _, ds := range orderedDatasets(job.Import.Fields) {
		if p.Filter.Dataset != "" && p.Filter.Dataset != ds {
			continue
		}
		from := len(list)
		for name, n := range job.Import.Fields[ds] {
			if !strings.HasPrefix(name, "_") {
				list = append(list, changedFields{ds, fieldName(name), n, job.Datasets[ds].Changed})
			}
		}
		slices.SortFunc(list[from:], func(a, b changedFields) int {
			if a.N != b.N {
				return int(b.N - a.N)
			}
			return strings.Compare(a.Field, b.Field)
		})
	}
	return list
}

// changedRowOf is a change with the fields that differ, in the order of their names.
func changedRowOf(c *wire.Change, decimals map[string]int) changedRow {
	row := changedRow{Dataset: c.Dataset, Action: c.Action, Record: c.Record, Name: rowName(c), Where: c.Place}
	if row.Where == "" && c.File != "" {
		row.Where = fmt.Sprintf("%s, line %d", c.File, c.Line)
	}
	names := map[string]bool{}
	for _, attributes := range []map[string]any{c.Before, c.After} {
		for name := range attributes {
			names[name] = !strings.HasPrefix(name, "_")
		}
	}
	for name, is := range names {
		before, after := fieldText(name, c.Before, c.Currency, decimals), fieldText(name, c.After, c.Currency, decimals)
		if is && before != after {
			row.Fields = append(row.Fields, changedField{fieldName(name), beginningOf(before), beginningOf(after)})
		}
	}
	slices.SortFunc(row.Fields, func(a, b changedField) int { return strings.Compare(a.Name, b.Name) })
	return row
}

// mostShown is how many characters of a value a list shows.
const mostShown = 300

// beginningOf is as much of a value as a list shows.
func beginningOf(text string) string {
	if len(text) <= mostShown { // bytes, so no more characters
		return text
	}
	runes := []rune(text)
	if len(runes) <= mostShown {
		return text
	}
	return string(runes[:mostShown]) + "…"
}

// rowName tells which row a change is of.
func rowName(c *wire.Change) string {
	for _, attributes := range []map[string]any{c.After, c.Before} {
		for _, name := range []string{"external_id", "name", "email", "invoice", "subscription", "customer"} {
			if text, is := attributes[name].(string); is && text != "" {
				return beginningOf(text)
			}
		}
	}
	return c.Record
}

// fieldName is the name of a field for people: amount_in_cents is amount.
func fieldName(name string) string { return words(strings.TrimSuffix(name, "_in_cents")) }

// fieldText is the value of a field for people; empty if the row does not have it. Amounts are in units
// of the currency that the row names, or otherwise of another one; times are in UTC (docs/CHANGES.md).
func fieldText(name string, row map[string]any, otherwise string, decimals map[string]int) string {
	switch value := row[name].(type) {
	case nil:
		return ""
	case string:
		return value
	case bool:
		return map[bool]string{true: "yes", false: "no"}[value]
	case float64:
		return numberText(name, value, cmp.Or(currencyOf(name, row), otherwise), decimals)
	case []any:
		parts := make([]string, len(value))
		for i, one := range value {
			parts[i] = fmt.Sprint(one)
		}
		return strings.Join(parts, ", ")
	default:
		text, _ := json.Marshal(value) // it came as JSON
		return string(text)
	}
}

// numberText is a number for people.
func numberText(name string, value float64, currency string, decimals map[string]int) string {
	n := int64(value)
	switch {
	case float64(n) != value:
		return fmt.Sprint(value)
	case strings.HasSuffix(name, "_in_cents"):
		if currency == "" {
			return number(n) + " minor units"
		}
		return majorUnits(n, decimalsOf(decimals, currency)) + " " + currency
	case isTime(name):
		return time.UnixMilli(n).UTC().Format("2006-01-02 15:04:05")
	}
	return number(n)
}

// currencyOf is the currency of an amount of a row; empty if the row does not name it, but its invoice
// does.
func currencyOf(name string, row map[string]any) string {
	of := strings.TrimSuffix(name, "_in_cents") + "_currency" // fees may have their own
	if code, is := row[of].(string); is && code != "" {
		return code
	}
	code, _ := row["currency"].(string)
	return code
}

// isTime reports whether a field holds a time.
func isTime(name string) bool {
	for _, ending := range []string{"date", "_at", "_period_start", "_period_end"} {
		if strings.HasSuffix(name, ending) {
			return true
		}
	}
	return name == "at"
}

// jobChangesFile is GET /jobs/{id}/changes/file: the whole change set.
func (c *Console) jobChangesFile(v *visit) (answer, error) {
	id := v.PathValue("id")
	file, err := v.client.Changes(v.ctx(), id, "ndjson")
	return download(file, id+".changes.ndjson.gz", "application/gzip"), err
}

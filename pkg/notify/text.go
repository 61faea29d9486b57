package notify

import (
	"bytes"
	_ "embed" // of the templates
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"
	plain "text/template"
	"time"

	"reseed/pkg/api/wire"
	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/puller"
	"reseed/pkg/source/sheets"
)

// Message is a message as it is sent.
type Message struct {
	*Facts

	Made    time.Time // when the job ended; the same for all copies
	Subject string
	Text    string
	HTML    string
	To      []string // e-mail addresses in the place of those of the environment; usually none
}

//go:embed message.txt
var textTemplate string

//go:embed message.html
var htmlTemplate string

// page is what the templates show.
type page struct {
	*Facts

	Headline string
	Lead     []string // what happened, in sentences
	Rows     grid
	Amounts  grid
	Rejected []string
	Removed  []string
	Proof    []string // from the receipt
}

// grid is a table; each row has as many cells as the head.
type grid struct {
	Head []string
	Rows [][]string
}

// write makes the texts of a message.
func write(f *Facts) (*Message, error) {
	p := page{
		Facts: f, Headline: f.headline(), Lead: f.lead(), Rows: f.rows(), Amounts: f.amounts(), Rejected: f.rejected(), Removed: countsOf(f.Removed), Proof: f.proof(),
	}
	m := &Message{Facts: f, Made: f.made, Subject: p.Headline + f.inShort()}
	functions := map[string]any{"lines": aligned}
	var text, html bytes.Buffer
	t, err := plain.New("text").Funcs(functions).Parse(textTemplate)
	if err == nil {
		err = t.Execute(&text, p)
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "message", "write the text of a message")
	}
	h, err := template.New("html").Parse(htmlTemplate)
	if err == nil {
		err = h.Execute(&html, p)
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "message", "write the HTML of a message")
	}
	m.Text, m.HTML = strings.TrimRight(text.String(), "\n")+"\n", html.String()
	return m, nil
}

// headline says in a few words of which job the message is, and how that ended.
func (f *Facts) headline() string {
	what := map[string]string{kindImport: "Import", kindSync: "Sync", kindUndo: "Undo", kindErase: "Erase"}[f.Kind]
	switch {
	case f.SourceName == "":
	case f.Kind == kindImport:
		what += " into " + f.SourceName
	case f.Kind == kindSync:
		what += " of " + f.SourceName
	default:
		what += " in " + f.SourceName
	}
	switch {
	case f.Asks:
		return what + " waits for your yes"
	case f.Status == job.Planned:
		return what + ": the plan is ready"
	case f.Halfway:
		return what + ": " + string(f.Status) + " halfway"
	}
	return what + ": " + string(f.Status)
}

// inShort is the rest of the subject: how many rows were changed or rejected.
func (f *Facts) inShort() string {
	if f.Status != job.Done && f.Status != job.Planned || f.Kind == kindErase {
		return ""
	}
	var parts []string
	sum := f.total()
	for _, x := range wire.Figures(f.undo) {
		if n := x.Of(sum); n > 0 && x.Word != "unchanged" {
			parts = append(parts, fmt.Sprintf("%d %s", n, x.Word))
		}
	}
	switch {
	case len(parts) == 0 && f.Asks:
		return ""
	case len(parts) == 0:
		return ": nothing changed"
	}
	if f.About == job.AboutWaiting {
		return ": " + strings.Join(parts, ", ")
	}
	return ", " + strings.Join(parts, ", ")
}

// lead says what happened, in sentences.
func (f *Facts) lead() (out []string) {
	switch {
	case f.Asks && len(f.Missing) > 0:
		out = append(out, "Nothing has been changed yet. No tab of the spreadsheet has rows of "+words(strings.Join(f.Missing, ", "))+" any more, which the sync before had. Their rows stay as they are, also after a yes. What the other tabs say is done as soon as somebody says yes; or put the tab right, and sync again.")
	case f.Asks:
		out = append(out, "Nothing has been changed yet. This import would do what a person should look at first, such as a large removal. It goes on as soon as somebody says yes.")
	case f.Status == job.Planned:
		out = append(out, "Nothing has been changed yet. These are the changes that the plan would make.")
	case f.Halfway:
		out = append(out, "It ended before all its changes were made. Those that were made stay until they are taken back; the same import once more completes them.")
	case f.Status == job.Failed, f.Status == job.Cancelled:
		out = append(out, "Nothing was changed.")
	case f.Status == job.Restored:
		out = append(out, "The erase was taken back in time: everything that it had hidden is visible again.")
	case f.Receipt != nil:
		out = append(out, "Everything was removed, and nothing of it was found after that.")
	}
	for _, use := range f.UsedPlans {
		out = append(out, "A plan that the input lacks stays, because it is used by "+use.Words()+".")
	}
	if f.Status == job.Failed && f.ErrorCode != "" {
		why := sheets.Advice(f.ErrorCode)
		if f.System != "" {
			why = puller.Advice(f.System, f.ErrorCode)
		}
		if why != "" && f.Kind == kindSync {
			out = append(out, why)
		}
		out = append(out, "The code of the error is "+f.ErrorCode+".")
	}
	return out
}

// rows is the table of the counts of each dataset.
func (f *Facts) rows() grid {
	if len(f.Datasets) == 0 {
		return grid{}
	}
	first := "read"
	if f.undo {
		first = "changes"
	}
	g := grid{Head: []string{"dataset", first}}
	figures := wire.Figures(f.undo)
	for _, x := range figures {
		g.Head = append(g.Head, x.Word)
	}
	for _, ds := range f.datasets() {
		c := f.Datasets[ds]
		row := []string{words(ds), fmt.Sprint(c.Read)}
		for _, x := range figures {
			row = append(row, fmt.Sprint(x.Of(c)))
		}
		g.Rows = append(g.Rows, row)
	}
	return g
}

// datasets lists the datasets that there are counts of, in their order.
func (f *Facts) datasets() []string {
	at := func(ds string) int { return slices.Index(billing.Datasets(), billing.Dataset(ds)) }
	return slices.SortedFunc(maps.Keys(f.Datasets), func(a, b string) int { return at(a) - at(b) })
}

// amounts is the table of the control totals.
func (f *Facts) amounts() grid {
	columns := wire.Amounts(f.undo)
	g := grid{Head: []string{"amounts", ""}}
	for _, c := range columns {
		g.Head = append(g.Head, c.Word)
	}
	for i := range f.Totals {
		t := &f.Totals[i]
		if !t.HasAmounts() {
			continue
		}
		row := []string{words(t.Name()), t.Currency}
		for _, c := range columns {
			if t.Over {
				row = append(row, "too large")
				continue
			}
			row = append(row, billing.Units(c.Of(t), t.Currency))
		}
		g.Rows = append(g.Rows, row)
	}
	return g
}

// rejected lists the reasons of rejects, with the places of the first rows.
func (f *Facts) rejected() (out []string) {
	for _, r := range f.Reasons {
		code := r.Code
		if code == "" {
			code = "other reasons"
		}
		what := strings.Join(slices.DeleteFunc([]string{words(r.Dataset), r.Column, code}, func(s string) bool { return s == "" }), ", ")
		var places []string
		for _, p := range r.First {
			places = append(places, p.String())
		}
		line := fmt.Sprintf("%s: %d", what, r.Count)
		if len(places) > 0 {
			line += " (first in " + strings.Join(places, "; ") + ")"
		}
		out = append(out, line)
	}
	return out
}

// String says where a row is.
func (p Place) String() string {
	switch {
	case strings.Contains(p.Cell, "!"):
		return p.Cell
	case p.Cell != "" && p.Files < 2:
		return "cell " + p.Cell
	case p.Cell != "":
		return fmt.Sprintf("cell %s of tab %d of the %d that were read", p.Cell, p.File, p.Files)
	case p.Files < 2:
		return fmt.Sprintf("line %d", p.Line)
	}
	return fmt.Sprintf("line %d of file %d of %d", p.Line, p.File, p.Files)
}

// proof says what the receipt of an erase says.
func (f *Facts) proof() (out []string) {
	r := f.Receipt
	if r == nil {
		return nil
	}
	digest, _ := r.KeyDigest.MarshalText() // never fails
	out = append(
		out, fmt.Sprintf("Selection: %s, asked for on %s", words(string(r.Selection)), day(r.AskedAt)),
		fmt.Sprintf("Items removed: %d, their digest %s", r.Total, digest), "Seen gone: "+day(r.VerifiedAt),
	)
	for _, id := range r.Records {
		out = append(out, "Record: "+id)
	}
	for _, s := range r.Survives {
		out = append(out, "Stays: "+s)
	}
	for _, x := range r.Residue {
		line := "A copy may remain: " + x.What
		if !x.Until.IsZero() {
			line += " until " + day(x.Until)
		}
		out = append(out, line)
	}
	return out
}

func countsOf(counts map[string]int64) (out []string) {
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		out = append(out, fmt.Sprintf("%d %s", counts[kind], words(kind)))
	}
	return out
}

// Started and Ended are times as people read them; empty if there is none.
func (p page) Started() string { return day(p.StartedAt) }

// Ended is when the job ended, or came to wait.
func (p page) Ended() string { return day(p.EndedAt) }

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

func words(name string) string { return strings.NewReplacer("_", " ", "-", " ").Replace(name) }

// aligned writes a table as lines of plain text.
func aligned(g grid) string {
	widths := make([]int, len(g.Head))
	all := append([][]string{g.Head}, g.Rows...)
	for _, row := range all {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	var b strings.Builder
	for _, row := range all {
		cells := make([]string, len(row))
		for i, cell := range row {
			gap := strings.Repeat(" ", widths[i]-len([]rune(cell)))
			if cells[i] = gap + cell; i == 0 {
				cells[i] = cell + gap
			}
		}
		b.WriteString("  " + strings.TrimRight(strings.Join(cells, "  "), " ") + "\n")
	}
	return b.String()
}

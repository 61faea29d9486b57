package hostile

import "strings"

// Case is one file and the outcome that its import must have.
type Case struct {
	File    string `json:"file"`
	Dataset string `json:"dataset"`
	// Family is the kind of bad input that the file is an example of.
	Family string `json:"family"`
	Why    string `json:"why"` // what is odd about the file
	// Refused is the code with which the whole file is refused; then no row of
	// it is counted.
	Refused string `json:"refused,omitempty"`
	// Added counts the rows that go in. Repeats counts the rows that repeat an
	// earlier row of the file; the report counts them as unchanged.
	Added   int      `json:"added"`
	Repeats int      `json:"repeats,omitempty"`
	Rejects []Reject `json:"rejects,omitempty"`
	// Unknown lists the columns that the report names and the import ignores.
	Unknown []string `json:"unknown_columns,omitempty"`

	Content string `json:"-"`
}

// Read returns how many rows the import must count as read.
func (c *Case) Read() int { return c.Added + c.Repeats + len(c.Rejects) }

// Reject is a row that must not go in.
type Reject struct {
	Line   int    `json:"line"` // physical line, the header being line 1
	Column string `json:"column,omitempty"`
	Code   string `json:"code"`
}

// Cases lists all hostile files, family by family.
func Cases() []Case {
	var all []Case
	for _, family := range [][]Case{structure(), encodings(), headers(), duplicates(), amounts(), dates(), values(), references()} {
		all = append(all, family...)
	}
	return all
}

// Base returns the files that must be imported into a source before a case: file
// name to content.
func Base() map[string]string {
	return map[string]string{
		"plans.csv":     "Name,Interval count,Interval unit,Plan ID\nGold Monthly,1,month,plan_gold\n",
		"customers.csv": "Name,Email,External ID\nBase Customer,base@example.com,scus_base\n",
		"invoices.csv": invoicesHeader + "\nscus_base,inv_base,2024-01-01,,USD\n" +
			"scus_base,inv_yen,2024-01-01,,JPY\n",
	}
}

// Headers that several families use, with few columns.
const (
	customersHeader    = "Name,Email,Company,External ID"
	invoicesHeader     = "Customer external ID,Invoice external ID,Invoiced date,Due Date,Currency"
	lineItemsHeader    = "Invoice external ID,External ID,Subscription external ID,Type,Amount in cents,Plan,Service period start,Service period end,Quantity,Proration,Description"
	transactionsHeader = "Invoice external ID,External ID,Type,Result,Date"
	eventsHeader       = "Customer external ID,Subscription external ID,External ID,Event Type,Retracted event ID,Date,Effective Date,Plan external ID,Currency,Amount in Cents,Quantity"
)

// probe is a row that differs from a good one in one cell. code is the code of its
// reject; empty if the row is good, too.
type probe struct{ cell, code string }

// probes returns the case with one row for each probe, and the outcome of each. A
// row is made from a pattern: %v stands for the cell, %n for the number of the
// line. column is the header of the cell's column.
func (c Case) probes(header, row, column string, list ...probe) Case {
	var text strings.Builder
	text.WriteString(header + "\n")
	for i, p := range list {
		line := i + 2
		text.WriteString(strings.NewReplacer("%v", quoted(p.cell), "%n", padded(line)).Replace(row) + "\n")
		if p.code == "" {
			c.Added++
		} else {
			c.Rejects = append(c.Rejects, Reject{line, column, p.code})
		}
	}
	c.Content = text.String()
	return c
}

func padded(n int) string { return string([]byte{byte('0' + n/10), byte('0' + n%10)}) }

// quoted returns a cell as CSV spells it.
func quoted(cell string) string {
	if strings.ContainsAny(cell, "\",\r\n") {
		return `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
	}
	return cell
}

func lines(l ...string) string { return strings.Join(l, "\n") + "\n" }

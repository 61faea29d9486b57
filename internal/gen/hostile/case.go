package hostile

import "strings"

// Case is one file and what must become of it.
type Case struct {
	File    string `json:"file"`
	Dataset string `json:"dataset"`
	// Family is the row of the list of bad inputs that the file belongs to.
	Family string `json:"family"`
	Why    string `json:"why"` // what is odd about the file
	// Refused is the code with which the file as a whole is refused; then no
	// row of it is counted.
	Refused string `json:"refused,omitempty"`
	// Added rows go in. Repeats are rows that say again what an earlier row of
	// the file said; they count as unchanged.
	Added   int      `json:"added"`
	Repeats int      `json:"repeats,omitempty"`
	Rejects []Reject `json:"rejects,omitempty"`
	// Unknown are the columns that are named in the report and ignored.
	Unknown []string `json:"unknown_columns,omitempty"`

	Content string `json:"-"`
}

// Read is how many rows the import must count: every row has one fate.
func (c *Case) Read() int { return c.Added + c.Repeats + len(c.Rejects) }

// Reject is a row that must not go in.
type Reject struct {
	Line   int    `json:"line"` // physical line, the header being line 1
	Column string `json:"column,omitempty"`
	Code   string `json:"code"`
}

// Cases are all hostile files, by family.
func Cases() []Case {
	var all []Case
	for _, family := range [][]Case{structure(), encodings(), headers(), duplicates(), amounts(), dates(), values(), references()} {
		all = append(all, family...)
	}
	return all
}

// Base is what a source must hold before a case is imported: file name to content.
func Base() map[string]string {
	return map[string]string{
		"plans.csv":     "Name,Interval count,Interval unit,Plan ID\nGold Monthly,1,month,plan_gold\n",
		"customers.csv": "Name,Email,External ID\nBase Customer,base@example.com,scus_base\n",
		"invoices.csv": invoicesHeader + "\nscus_base,inv_base,2024-01-01,,USD\n" +
			"scus_base,inv_yen,2024-01-01,,JPY\n",
	}
}

// Shortest headers that the families share.
const (
	customersHeader    = "Name,Email,Company,External ID"
	invoicesHeader     = "Customer external ID,Invoice external ID,Invoiced date,Due Date,Currency"
	lineItemsHeader    = "Invoice external ID,External ID,Subscription external ID,Type,Amount in cents,Plan,Service period start,Service period end,Quantity,Proration,Description"
	transactionsHeader = "Invoice external ID,External ID,Type,Result,Date"
	eventsHeader       = "Customer external ID,Subscription external ID,External ID,Event Type,Retracted event ID,Date,Effective Date,Plan external ID,Currency,Amount in Cents,Quantity"
)

// probe is a row that differs from a good one in one cell; its code is empty if
// the row is good all the same.
type probe struct{ cell, code string }

// probes writes one row for each probe, in the place of %v and with the row's
// number in the place of %n, and says what must become of them. column is
// the one that the cell is in.
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

// quoted writes a cell as CSV.
func quoted(cell string) string {
	if strings.ContainsAny(cell, "\",\r\n") {
		return `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
	}
	return cell
}

func lines(l ...string) string { return strings.Join(l, "\n") + "\n" }

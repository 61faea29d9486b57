package template

import (
	"strconv"
	"strings"

	"reseed/pkg/billing"
	"reseed/pkg/source/csvsource"
)

// Datasets lists the datasets that have a table: all but the older form of another one.
func Datasets() (out []billing.Dataset) {
	for _, ds := range billing.Order() {
		if billing.Becomes(ds) == ds {
			out = append(out, ds)
		}
	}
	return out
}

// CSV returns the CSV file of a dataset, without rows.
func CSV(ds billing.Dataset) ([]byte, error) {
	w, err := csvsource.Format{}.Writer(ds)
	if err != nil {
		return nil, err
	}
	return w.Head(), nil
}

// columnsOf lists the fields of a dataset that have a column.
func columnsOf(ds billing.Dataset) (out []billing.Field) {
	for _, f := range billing.FieldsOf(ds) {
		if f.Column != "" {
			out = append(out, f)
		}
	}
	return out
}

// choices lists what a column takes; none if that is no short list.
func choices(ds billing.Dataset, f billing.Field) []string {
	if f.Is == "truth" {
		return []string{"TRUE", "FALSE"}
	}
	return billing.Words(ds, f.Name)
}

// title is the title of the tab of a dataset, such as Line items.
func title(ds billing.Dataset) string {
	name := strings.ReplaceAll(string(ds), "_", " ")
	return strings.ToUpper(name[:1]) + name[1:]
}

// about says to people what a column holds.
func about(ds billing.Dataset, f billing.Field) string {
	var text string
	switch f.Is {
	case "id":
		text = "An id, of at most 255 characters. The column is formatted as text, so that zeros at its beginning stay."
	case "time":
		text = "A date, or a date and a time in UTC."
	case "cents":
		text = "An amount in cents: 1250 is 12.50. If all amounts of the workbook are in units of the currency, import it with --amounts units."
	case "integer":
		text = "A whole number."
	case "currency":
		text = "The code of a currency, such as EUR or USD."
	case "country":
		text = "The name of a country in English, or its code, such as DE."
	case "email":
		text = "An e-mail address."
	case "note":
		text = "A text of at most " + strconv.Itoa(billing.MaxNote) + " characters."
	case "text":
		text = "A text of at most " + strconv.Itoa(billing.MaxText) + " characters."
	}
	if words := choices(ds, f); len(words) > 0 {
		text = "One of " + strings.Join(words, ", ") + "."
	}
	if f.Required {
		return "Required. " + text
	}
	return text
}

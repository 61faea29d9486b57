package rows

import (
	"slices"
	"strconv"
	"strings"

	"reseed/pkg/billing"
)

// InUnits turns the amounts of some rows from minor units into units of their currencies: 1050 cents
// become 10.50. An amount whose currency is not known stays.
func (r *Reader) InUnits(list []Row) {
	columns := r.Columns()
	for at, c := range columns {
		if c.Is != "cents" {
			continue
		}
		by := slices.IndexFunc(columns, func(o billing.Field) bool { return c.In != "" && o.Name == c.In })
		for i := range list {
			row := &list[i]
			currency := row.Currency
			if by >= 0 && row.Cells[by] != "" {
				currency = row.Cells[by]
			}
			if n, err := strconv.ParseInt(row.Cells[at], 10, 64); err == nil && currency != "" {
				row.Cells[at] = strings.ReplaceAll(billing.Units(n, currency), ",", "")
			}
		}
	}
}

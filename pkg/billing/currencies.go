package billing

import (
	"fmt"
	"sync"

	"golang.org/x/text/currency"
)

// currencies holds the codes that invoices may be in: every currency that is or was legal tender
// (people import old invoices too), the units of account that people bill in, and the currencies
// that are newer than the table of golang.org/x/text.
//
//nolint:gochecknoglobals // a constant, which only the first use has to build
var currencies = sync.OnceValue(func() map[[3]byte]string {
	codes := []string{
		"BOV", "CHE", "CHW", "CLF", "COU", "MXV", "USN", "UYI", "UYW", // units of account
		"MRU", "SLE", "VED", "VES", "XCG", "ZWG", // newer
	}
	for it := currency.Query(currency.Historical); it.Next(); {
		codes = append(codes, it.Unit().String())
	}
	table := make(map[[3]byte]string, len(codes))
	for _, c := range codes {
		table[[3]byte([]byte(c))] = c
	}
	return table
})

// ParseCurrency reads an ISO 4217 code regardless of case, and returns it in upper case. The error
// is fault.Invalid, code unknown_currency.
func ParseCurrency(s string) (string, error) {
	if len(s) == 3 {
		if code, ok := currencies()[[3]byte{upper(s[0]), upper(s[1]), upper(s[2])}]; ok {
			return code, nil
		}
	}
	return "", invalid(CodeUnknownCurrency,
		"%s is not a currency; use the three-letter ISO 4217 code, such as USD or EUR.", quote(s))
}

func upper(c byte) byte {
	if c >= 'a' && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}

// CurrencySign returns the sign of a currency, such as "€"; the code itself if it has no sign.
func CurrencySign(code string) string {
	unit, err := currency.ParseISO(code)
	if err != nil {
		return code
	}
	return fmt.Sprint(currency.NarrowSymbol(unit))
}

// Exponent returns how many decimals an amount in a currency has: 2 for EUR, 0 for JPY. It goes by
// list one of ISO 4217 (https://www.six-group.com/en/products-services/financial-information/data-standards.html),
// and for currencies that were withdrawn by the JDK (java.util.Currency), since ISO's list three
// says no decimals. CLDR, and so golang.org/x/text, does not follow ISO here.
func Exponent(code string) int {
	switch code {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF",
		"ADP", "BEF", "BYB", "BYR", "ESP", "GRD", "ITL", "LUF", "MGF", "PTE", "TPE", "TRL": // withdrawn
		return 0
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	case "CLF", "UYW":
		return 4
	}
	return 2
}

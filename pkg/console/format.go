package console

import (
	"fmt"
	"html/template"
	"mime"
	"strconv"
	"strings"
	"time"
)

// functions are what templates can call.
func functions(a assets) template.FuncMap {
	return template.FuncMap{
		"asset": a.path, "number": number, "count": count, "size": size, "when": when, "span": span, "roughly": roughly, "price": price, "advice": advice, "percent": percent, "words": words,
		"link": link, "stateOf": stateOf, "money": moneyText, "moment": moment, "pick": pick,
		"activityOf": activityOf, "outcomeOf": outcomeOf, "reasonOf": reasonOf, "byOf": byOf, "graceWords": graceWords, "every": scheduleWords,
		"tickEnd": tickEnd, "tickBase": tickBase,
	}
}

// navLink is a link of the navigation.
type navLink struct {
	To, Text string
	Here     bool
}

// link is a link to a section of the navigation, seen from a page of section here.
func link(to, text, section, here string) navLink { return navLink{to, text, section == here} }

// number writes a whole number with spaces between its thousands, which cannot be taken for decimals.
func number(n int64) string {
	text := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, text = "−", text[1:]
	}
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "\u202f" + text[at:]
	}
	return sign + text
}

// count writes a number of things, such as 1 customer or 3 customers.
func count(n int64, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + several
}

// size writes a number of bytes.
func size(n int64) string {
	units := []string{"bytes", "KB", "MB", "GB", "TB"}
	x, at := float64(n), 0
	for x >= 1000 && at < len(units)-1 {
		x, at = x/1000, at+1
	}
	if at == 0 || x >= 100 {
		return fmt.Sprintf("%.0f %s", x, units[at])
	}
	return fmt.Sprintf("%.1f %s", x, units[at])
}

// when writes a time as an element that also tells it to programs. Times are in UTC.
func when(t time.Time) template.HTML {
	if t.IsZero() {
		return ""
	}
	t = t.UTC()
	return template.HTML(fmt.Sprintf(`<time datetime="%s">%s UTC</time>`, t.Format(time.RFC3339), t.Format("2006-01-02 15:04"))) //nolint:gosec // digits only
}

// span writes seconds for people.
func span(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d < time.Second:
		return "less than a second"
	case d < 2*time.Minute:
		return count(int64(d.Round(time.Second)/time.Second), "second", "seconds")
	case d < 2*time.Hour:
		return count(int64(d.Round(time.Minute)/time.Minute), "minute", "minutes")
	case d < 48*time.Hour:
		return count(int64(d.Round(time.Hour)/time.Hour), "hour", "hours")
	}
	return count(int64(d.Round(24*time.Hour)/(24*time.Hour)), "day", "days")
}

// roughly writes estimated seconds for people.
func roughly(seconds float64) string {
	if seconds < 1 {
		return span(seconds)
	}
	return "about " + span(seconds)
}

// price writes what something costs on DynamoDB for people.
func price(dollars float64) string {
	if dollars < 0.01 {
		return "less than $0.01"
	}
	return fmt.Sprintf("about $%.2f", dollars)
}

// percent writes a share of 0 to 1.
func percent(share float64) string { return fmt.Sprintf("%d %%", int(share*100)) }

// words writes a name of the API for people: line_items becomes line items.
func words(name string) string { return strings.ReplaceAll(name, "_", " ") }

// disposition is the header that makes a browser keep a file under a name.
func disposition(name string) string {
	return mime.FormatMediaType("attachment", map[string]string{"filename": name})
}

package company

import "strings"

// name is a first or last name with the spelling it has in an e-mail address.
type name struct{ text, ascii string }

// people are first and last names that go together.
type people struct{ first, last []name }

// place is a town, with everything about a customer that depends on it. In zip,
// '#' stands for a digit and '@' for a capital letter.
type place struct {
	city, zip         string
	region            []string // accepted spellings; an empty one leaves the cell blank
	country           []string // accepted spellings
	currency, taxRate int      // currency: index in currencies; taxRate: percent
	people            *people
}

// The currencies, in the order of plan.price. JPY has no minor unit.
const (
	usd = iota
	eur
	gbp
	jpy
)

func currencies() [4]string { return [4]string{"USD", "EUR", "GBP", "JPY"} }

type plan struct {
	id, name string
	count    int
	unit     string
	price    [4]int64 // minor units for each currency
}

// months is the length of one period of the plan.
func (p *plan) months() int {
	if p.unit == "year" {
		return 12 * p.count
	}
	return p.count
}

// lexicon holds the words and prices that the company's data is drawn from.
type lexicon struct {
	plans              []plan
	places             []place
	adjectives, trades []string
	suffixes, titles   []string
	notes              []string
}

// Positions in lexicon.plans.
const (
	bronzeMonthly = iota
	silverMonthly
	goldMonthly
	goldHalfYearly
	silverYearly
	goldYearly
)

func newLexicon() *lexicon {
	return &lexicon{
		plans:  plans(),
		places: places(),
		adjectives: []string{
			"Amber", "Blue Harbour", "Bright", "Calm", "Cedar", "Clear", "Copper", "Eastgate", "Evergreen", "Fable",
			"Granite", "Harvest", "Iron Bridge", "Juniper", "Keystone", "Lantern", "Maple", "Meadow", "North Star", "Orchard",
			"Paper Boat", "Quiet", "Red Kite", "Silver Birch", "Tidal", "Upland", "Velvet", "Westwind", "Yellow Door", "Zephyr",
		},
		trades: []string{
			"Analytics", "Architects", "Bakery", "Bikes", "Books", "Dental", "Design", "Farms", "Fitness", "Foods",
			"Freight", "Gardens", "Insurance", "Labs", "Legal", "Logistics", "Media", "Music", "Nature", "Optics",
			"Payroll", "Pharma", "Printing", "Robotics", "Schools", "Security", "Software", "Studios", "Tickets", "Travel",
		},
		suffixes: []string{"", "", " Inc.", " Ltd.", " LLC", " GmbH", " Co.", " Group", " S.A.", " AB"},
		titles:   []string{"CEO", "CFO", "CTO", "Head of Finance", "Office Manager", "Head of IT, Europe", "Founder", "Buyer", "Controller", ""},
		notes: []string{
			"", "", "Prefers e-mail to phone.", "Met at the spring conference; asked for a yearly offer.",
			"Said: \"please, no calls before ten\".", "Wants invoices in one PDF.\nCopy goes to accounting.",
		},
	}
}

func plans() []plan {
	return []plan{
		{"plan_bronze_monthly", "Bronze Monthly", 1, "month", [4]int64{1900, 1700, 1500, 2800}},
		{"plan_silver_monthly", "Silver Monthly", 1, "month", [4]int64{4900, 4500, 3900, 7200}},
		{"plan_gold_monthly", "Gold Monthly", 1, "month", [4]int64{9900, 9200, 7900, 14800}},
		{"plan_gold_half_yearly", "Gold, half-yearly", 6, "month", [4]int64{54000, 49800, 43200, 79800}},
		{"plan_silver_yearly", "Silver Yearly", 1, "year", [4]int64{49000, 45000, 39000, 72000}},
		{"plan_gold_yearly", "Gold Yearly", 1, "year", [4]int64{99000, 92000, 79000, 148000}},
	}
}

func places() []place {
	anglo, german, latin, nordic, japanese := anglo(), german(), latin(), nordic(), japanese()
	us := []string{"US", "United States", "us", "united states"}
	gb := []string{"GB", "United Kingdom", "gb"}
	de := []string{"DE", "Germany", "germany"}
	return []place{
		{"San Francisco", "941##", []string{"California", "CA", "california"}, us, usd, 0, anglo},
		{"Los Angeles", "900##", []string{"California", "ca"}, us, usd, 0, latin},
		{"New York", "100##", []string{"New York", "NY"}, us, usd, 0, anglo},
		{"Boston", "021##", []string{"Massachusetts", "MA"}, us, usd, 0, anglo},
		{"Austin", "787##", []string{"Texas", "TX", "tx"}, us, usd, 0, anglo},
		{"Portland", "972##", []string{"Oregon", "OR"}, us, usd, 0, anglo},
		{"Seattle", "981##-####", []string{"Washington", "WA"}, us, usd, 0, nordic},
		{"London", "E1# #@@", []string{"England", ""}, gb, gbp, 20, anglo},
		{"Edinburgh", "EH# #@@", []string{"Scotland"}, gb, gbp, 20, anglo},
		{"Bristol", "BS# #@@", []string{"England"}, gb, gbp, 20, anglo},
		{"Berlin", "101##", []string{"Berlin", ""}, de, eur, 19, german},
		{"München", "803##", []string{"Bayern"}, de, eur, 19, german},
		{"Köln", "506##", []string{""}, de, eur, 19, german},
		{"Wien", "10#0", []string{""}, []string{"AT", "Austria"}, eur, 20, german},
		{"Paris", "750##", []string{"Île-de-France", ""}, []string{"FR", "France"}, eur, 20, latin},
		{"Madrid", "280##", []string{""}, []string{"ES", "Spain"}, eur, 21, latin},
		{"Dublin", "D0# @##@", []string{""}, []string{"IE", "Ireland"}, eur, 23, anglo},
		{"Burnaby", "V5H #@#", []string{"British Columbia"}, []string{"CA", "Canada"}, usd, 0, anglo},
		{"Montréal", "H2X #@#", []string{"Québec"}, []string{"CA", "canada"}, usd, 0, latin},
		{"São Paulo", "01###-###", []string{"São Paulo"}, []string{"BR", "Brazil"}, usd, 0, latin},
		{"Stockholm", "11# ##", []string{""}, []string{"SE", "Sweden"}, eur, 25, nordic},
		{"Kraków", "30-###", []string{""}, []string{"PL", "Poland"}, eur, 23, nordic},
		{"東京", "100-00##", []string{""}, []string{"JP", "Japan", "jp"}, jpy, 10, japanese},
		{"Osaka", "530-00##", []string{""}, []string{"JP", "Japan"}, jpy, 10, japanese},
	}
}

func anglo() *people {
	return &people{
		first: plain("Alice", "Andrew", "Bernard", "Carol", "Daniel", "Emma", "Frank", "Grace", "Henry", "Isla", "Jack", "Kate", "Liam", "Maya", "Nora", "Oliver", "Priya", "Quentin", "Ruth", "Samuel", "Tara", "Victor"),
		last: append(plain("Adams", "Baker", "Carter", "Davies", "Ellis", "Foster", "Grant", "Hughes", "Irving", "Jones", "Khan", "Lewis", "Marsh", "Nolan", "Okafor", "Patel", "Quinn", "Reed", "Shaw", "Turner", "Walsh", "Young"),
			name{"O'Brien", "obrien"}, name{"D’Arcy", "darcy"}),
	}
}

func german() *people {
	return &people{
		first: append(plain("Anna", "Bernd", "Clara", "Dieter", "Eva", "Felix", "Greta", "Hans", "Ida", "Lukas"), name{"Jürgen", "juergen"}, name{"Käthe", "kaethe"}),
		last:  append(plain("Becker", "Fischer", "Hoffmann", "Keller", "Lange", "Schmidt", "Vogel", "Weber"), name{"Müller", "mueller"}, name{"Groß", "gross"}, name{"Jäger", "jaeger"}),
	}
}

func latin() *people {
	return &people{
		first: append(plain("Ana", "Bruno", "Carla", "Diego", "Elena", "Lucas", "Marta", "Pablo"), name{"José", "jose"}, name{"Zoë", "zoe"}, name{"François", "francois"}, name{"João", "joao"}),
		last:  append(plain("Alves", "Costa", "Duarte", "Lopes", "Moreau", "Silva", "Vidal"), name{"Muñoz", "munoz"}, name{"García", "garcia"}, name{"Lefèvre", "lefevre"}),
	}
}

func nordic() *people {
	return &people{
		first: append(plain("Astrid", "Erik", "Freja", "Ingrid", "Lars", "Nils"), name{"Søren", "soren"}, name{"Åsa", "asa"}, name{"Łukasz", "lukasz"}),
		last:  append(plain("Berg", "Dahl", "Holm", "Lind", "Nowak"), name{"Sjöberg", "sjoberg"}, name{"Ødegård", "odegard"}, name{"Wójcik", "wojcik"}),
	}
}

func japanese() *people {
	return &people{
		first: []name{{"さくら", "sakura"}, {"健太", "kenta"}, {"陽子", "yoko"}, {"大輔", "daisuke"}, {"Hana", "hana"}},
		last:  []name{{"田中", "tanaka"}, {"鈴木", "suzuki"}, {"佐藤", "sato"}, {"Watanabe", "watanabe"}},
	}
}

func plain(texts ...string) []name {
	names := make([]name, len(texts))
	for i, text := range texts {
		names[i] = name{text, strings.ToLower(text)}
	}
	return names
}

package wire

import "time"

// Where a setting comes from.
const (
	FromAccount     = "account"     // somebody has set it here
	FromEnvironment = "environment" // of the server
	FromDefault     = "default"     // nobody has set it
)

// AccountSettings are the settings of the whole account, and where each comes from. Credentials and
// addresses of servers are not among them: they are in the environment.
type AccountSettings struct {
	Grace      GraceSetting `json:"grace"`
	MaxRemoved ShareSetting `json:"max_removed"`
	Mail       MailSetting  `json:"mail"`
	ChangedAt  *time.Time   `json:"changed_at,omitempty"`
	ChangedBy  string       `json:"changed_by,omitempty"`
	TestMail   *TestMail    `json:"test_mail,omitempty"` // the latest test message
}

// GraceSetting is how long an erase can be restored, unless its request says otherwise.
type GraceSetting struct {
	Value       string `json:"value"`       // a duration such as 72h; 0s: not at all
	From        string `json:"from"`        // FromAccount, FromEnvironment or FromDefault
	Environment string `json:"environment"` // what counts if nobody sets it here
}

// ShareSetting is the percentage of a dataset's rows above which a removal waits for a yes, unless the
// import or the source says otherwise.
type ShareSetting struct {
	Value int    `json:"value"`
	From  string `json:"from"` // FromAccount or FromDefault
}

// MailSetting says who gets mail.
type MailSetting struct {
	On   bool     `json:"on"`   // false: somebody has switched it off here
	To   []string `json:"to"`   // e-mail addresses; none: nobody gets mail, or this process does not know the addresses of the environment
	From string   `json:"from"` // of To: FromAccount, FromEnvironment or FromDefault
}

// TestMail is a test message, and what became of it.
type TestMail struct {
	MadeAt time.Time `json:"made_at"`
	Delivery
}

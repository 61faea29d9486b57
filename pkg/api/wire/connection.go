package wire

import "time"

// Systems is the body of GET /v1/systems.
type Systems struct {
	Systems []System `json:"systems"`
}

// System is a billing system that a data source can be connected with.
type System struct {
	Name    string   `json:"name"`
	Asks    []Ask    `json:"asks"`
	Places  []string `json:"places"`  // where accounts may be, the usual one first; none if the credentials say it
	Options []string `json:"options"` // names of the settings of [Mapping] that it has; "subscriptions" if it takes ids of subscriptions
}

// Ask is a credential that a billing system needs.
type Ask struct {
	Name   string `json:"name"`
	Label  string `json:"label"`
	Help   string `json:"help"`
	Secret bool   `json:"secret"` // it is not shown when it is typed
}

// Account is an account of a billing system.
type Account struct {
	ID   string `json:"id"`
	Name string `json:"name"` // may be empty
	Live bool   `json:"live"` // false: test mode or sandbox
}

// Title is the account's name and id, for people.
func (a Account) Title() string {
	if a.Name == "" || a.Name == a.ID {
		return a.ID
	}
	return a.Name + " (" + a.ID + ")"
}

// Mode is the account's mode, for people.
func (a Account) Mode() string {
	if a.Live {
		return "live"
	}
	return "test mode"
}

// Mapping are the settings that say what becomes of the objects of a billing system.
type Mapping struct {
	Invoices             string `json:"invoices"`              // which ones count: paid, partly_paid or issued
	WithoutVoided        bool   `json:"without_voided"`        // leave out void invoices
	WithoutUncollectible bool   `json:"without_uncollectible"` // leave out those that were written off
	WithoutRefunded      bool   `json:"without_refunded"`      // leave out those of which all was paid back
	DeletedCustomers     bool   `json:"deleted_customers"`     // bring in deleted customers
	Metered              bool   `json:"metered"`               // what is billed by use is a subscription, too
}

// MappingChange is a change of [Mapping]. What is nil stays.
type MappingChange struct {
	Invoices             *string `json:"invoices,omitempty"`
	WithoutVoided        *bool   `json:"without_voided,omitempty"`
	WithoutUncollectible *bool   `json:"without_uncollectible,omitempty"`
	WithoutRefunded      *bool   `json:"without_refunded,omitempty"`
	DeletedCustomers     *bool   `json:"deleted_customers,omitempty"`
	Metered              *bool   `json:"metered,omitempty"`
}

// Connection is the account of a billing system that a data source pulls from. Its credentials are never shown.
type Connection struct {
	System        string     `json:"system"`
	Place         string     `json:"place,omitempty"`
	Account       Account    `json:"account"`
	Settings      Mapping    `json:"settings"`
	Options       []string   `json:"options"` // those of [System]
	Subscriptions []string   `json:"subscriptions,omitempty"`
	Refused       string     `json:"refused,omitempty"`      // why the credentials are refused, as a sentence
	RefusedAt     *time.Time `json:"refused_at,omitempty"`   // since when
	Disconnected  bool       `json:"disconnected,omitempty"` // they were taken away; Refused says so, too
}

// Connect is what connects a data source with an account, or gives it new credentials of the same account.
type Connect struct {
	System        string            `json:"system,omitempty"` // not for a check, whose path names it
	Place         string            `json:"place,omitempty"`
	Credentials   map[string]string `json:"credentials"` // by [Ask.Name]
	Settings      *MappingChange    `json:"settings,omitempty"`
	Subscriptions *[]string         `json:"subscriptions,omitempty"`
}

// ConnectionChange is a change of [Connection] that needs no credentials. What is nil stays.
type ConnectionChange struct {
	Settings      *MappingChange `json:"settings,omitempty"`
	Subscriptions *[]string      `json:"subscriptions,omitempty"`
}

// Checked is the outcome of a check of credentials that are good.
type Checked struct {
	Account Account `json:"account"`
}

package config

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"reseed/pkg/fault"
	"reseed/pkg/job"
)

// KeyHash is the SHA-256 of an API key. The key itself is not stored.
type KeyHash = [sha256.Size]byte

// Config holds all settings.
type Config struct {
	Store         string    `env:"RESEED_STORE"`           // of the command: embedded (the default) or dynamodb
	APIKey        string    `env:"RESEED_API_KEY"`         // of the command: to send to a server; in serve, to accept
	Table         string    `env:"RESEED_TABLE"`           // of DynamoDB
	Bucket        string    `env:"RESEED_BUCKET"`          // of S3, with versions
	QueueURL      string    `env:"RESEED_QUEUE_URL"`       // of the queue that import-chunk works on
	EraseQueueURL string    `env:"RESEED_ERASE_QUEUE_URL"` // of the queue that delete-source works on
	PullQueueURL  string    `env:"RESEED_PULL_QUEUE_URL"`  // of the queue that pull works on
	APIKeyHashes  []KeyHash `env:"RESEED_API_KEY_HASHES"`  // in hex, separated by commas
	PublicURL     string    `env:"RESEED_PUBLIC_URL"`      // where people reach this instance
	Currency      string    `env:"RESEED_CURRENCY" envDefault:"USD"`
	// RequestLifetime is how long a request may work with the directory that it read at its start:
	// the API's timeout. An erase is not verified sooner.
	RequestLifetime time.Duration `env:"RESEED_REQUEST_LIFETIME" envDefault:"30s"`
	// Grace is how long an erase can be restored, unless its request says otherwise.
	Grace time.Duration `env:"RESEED_GRACE"`
	// BackupDays is how many days back the table can be restored to, LogDays how many days logs are
	// kept. Receipts say both.
	BackupDays int `env:"RESEED_BACKUP_DAYS"`
	LogDays    int `env:"RESEED_LOG_DAYS"`
	// GoogleKey names the file with the key of the service account that reads spreadsheets. On AWS the
	// key is in Secrets Manager instead, in the secret GoogleSecret. GoogleAddress is the e-mail
	// address of the service account, for functions that do not have its key. GoogleEndpoint stands in
	// for Google.
	GoogleKey      string `env:"GOOGLE_APPLICATION_CREDENTIALS"`
	GoogleSecret   string `env:"RESEED_GOOGLE_SECRET"`
	GoogleAddress  string `env:"RESEED_GOOGLE_ADDRESS"`
	GoogleEndpoint string `env:"RESEED_GOOGLE_ENDPOINT"`

	// Credentials is what the names of the secrets begin with that keep the credentials of billing systems in
	// Secrets Manager. PullFunction is the function that may see them, for those that may not. Without Credentials they are
	// files in the data folder.
	Credentials  string `env:"RESEED_CREDENTIALS"`
	PullFunction string `env:"RESEED_PULL_FUNCTION"`
	// These stand in for billing systems.
	StripeURL    string `env:"RESEED_STRIPE_URL"`
	RecurlyURL   string `env:"RESEED_RECURLY_URL"`
	BraintreeURL string `env:"RESEED_BRAINTREE_URL"`
	ChargifyURL  string `env:"RESEED_CHARGIFY_URL"`
	PayPalURL    string `env:"RESEED_PAYPAL_URL"`

	MailServer    MailServer `env:"RESEED_SMTP_URL"`
	MailFrom      Address    `env:"RESEED_MAIL_FROM"`
	MailTo        []Address  `env:"RESEED_MAIL_TO"` // separated by commas
	WebhookURL    Link       `env:"RESEED_WEBHOOK_URL"`
	WebhookSecret Secret     `env:"RESEED_WEBHOOK_SECRET"`
}

// SystemURL is the address in place of the usual one of a billing system; "" if there is none.
func (c Config) SystemURL(system string) string {
	return map[string]string{
		"Stripe": c.StripeURL, "Recurly": c.RecurlyURL, "Braintree": c.BraintreeURL, "Chargify": c.ChargifyURL, "PayPal": c.PayPalURL,
	}[system]
}

// Need is a set of settings that must be given.
type Need uint8

// The sets of settings.
const (
	Table Need = 1 << iota
	Bucket
	Queues
	Keys
)

// Read reads the settings from an environment in the form of os.Environ. Its error, fault.Invalid,
// names every variable that is missing or wrong, and no value (I8).
func Read(environ []string, needs Need) (Config, error) {
	var c Config
	vars := map[string]string{}
	for _, v := range environ {
		if name, value, ok := strings.Cut(v, "="); ok && value != "" { // templates declare empty variables
			vars[name] = value
		}
	}
	wrong := unusable(env.ParseWithOptions(&c, env.Options{
		Environment: vars,
		FuncMap: map[reflect.Type]env.ParserFunc{
			reflect.TypeFor[KeyHash](): parseKeyHash, reflect.TypeFor[MailServer](): parseServer, reflect.TypeFor[Address](): parseAddress,
			reflect.TypeFor[Link](): parseLink, reflect.TypeFor[Secret](): parseSecret,
		},
	}))
	if c.RequestLifetime < 0 {
		wrong = append(wrong, "RESEED_REQUEST_LIFETIME is negative")
	}
	if c.Grace < 0 || c.Grace > job.MaxGrace {
		wrong = append(wrong, "RESEED_GRACE is not between 0 and 2160h (90 days)")
	}
	if c.BackupDays < 0 || c.LogDays < 0 {
		wrong = append(wrong, "RESEED_BACKUP_DAYS or RESEED_LOG_DAYS is negative")
	}
	wrong = append(wrong, c.incomplete(wrong)...)
	wrong = append(wrong, c.missing(needs, wrong)...)
	if len(wrong) > 0 {
		return Config{}, fault.New(fault.Invalid, "settings", "settings: "+strings.Join(wrong, "; "))
	}
	return c, nil
}

// unusable returns a sentence for each variable that could not be read.
func unusable(err error) []string {
	var all env.AggregateError
	if err == nil || !errors.As(err, &all) {
		return nil
	}
	var wrong []string
	for _, e := range all.Errors {
		if field, ok := errors.AsType[env.ParseError](e); ok {
			wrong = append(wrong, variable(field.Name)+" is not usable: "+wanted(field.Type))
			continue
		}
		wrong = append(wrong, "a setting is not usable")
	}
	return wrong
}

// variable returns the name of a field's environment variable.
func variable(field string) string {
	f, _ := reflect.TypeFor[Config]().FieldByName(field)
	return f.Tag.Get("env")
}

func wanted(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "a duration such as 30s is expected"
	case reflect.TypeFor[KeyHash](), reflect.TypeFor[[]KeyHash]():
		return "SHA-256 hashes in hex, separated by commas, are expected"
	case reflect.TypeFor[MailServer]():
		return wantServer
	case reflect.TypeFor[Address](), reflect.TypeFor[[]Address]():
		return wantAddress
	case reflect.TypeFor[Link]():
		return wantLink
	case reflect.TypeFor[Secret]():
		return wantSecret
	}
	return fmt.Sprintf("a %s is expected", t)
}

// missing returns a sentence for each needed variable that is not given. It leaves out what wrong
// says already.
func (c *Config) missing(needs Need, wrong []string) []string {
	var names []string
	for _, n := range []struct {
		need  Need
		name  string
		given bool
	}{
		{Table, "RESEED_TABLE", c.Table != ""},
		{Bucket, "RESEED_BUCKET", c.Bucket != ""},
		{Queues, "RESEED_QUEUE_URL", c.QueueURL != ""},
		{Queues, "RESEED_ERASE_QUEUE_URL", c.EraseQueueURL != ""},
		{Queues, "RESEED_PULL_QUEUE_URL", c.PullQueueURL != ""},
		{Keys, "RESEED_API_KEY_HASHES", len(c.APIKeyHashes) > 0 || strings.Contains(strings.Join(wrong, " "), "RESEED_API_KEY_HASHES")},
	} {
		if needs&n.need != 0 && !n.given {
			names = append(names, n.name+" is missing")
		}
	}
	return names
}

func parseKeyHash(text string) (any, error) {
	b, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(b) != sha256.Size {
		return nil, errors.New("not the SHA-256 of a key in hex")
	}
	return KeyHash(b), nil
}

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

// KeyHash is the SHA-256 of an API key: the key itself is known to nobody here.
type KeyHash = [sha256.Size]byte

// Config is all settings.
type Config struct {
	Store         string    `env:"RESEED_STORE"`           // of the command: embedded (the default) or dynamodb
	APIKey        string    `env:"RESEED_API_KEY"`         // of the command: to be let in with, or to let in
	Table         string    `env:"RESEED_TABLE"`           // of DynamoDB
	Bucket        string    `env:"RESEED_BUCKET"`          // of S3, with versions
	QueueURL      string    `env:"RESEED_QUEUE_URL"`       // of the queue that import-chunk works on
	EraseQueueURL string    `env:"RESEED_ERASE_QUEUE_URL"` // of the queue that delete-source works on
	APIKeyHashes  []KeyHash `env:"RESEED_API_KEY_HASHES"`  // in hex, separated by commas
	PublicURL     string    `env:"RESEED_PUBLIC_URL"`      // where people reach this instance
	Currency      string    `env:"RESEED_CURRENCY" envDefault:"USD"`
	// RequestLifetime is how long a request may go on with what it has read of the
	// directory: the timeout of the API. No erase is verified sooner.
	RequestLifetime time.Duration `env:"RESEED_REQUEST_LIFETIME" envDefault:"30s"`
	// Grace is for how long an erase can be restored unless it says otherwise.
	Grace time.Duration `env:"RESEED_GRACE"`
	// BackupDays is how far back the table can be restored to, LogDays how long logs are kept: receipts say so.
	BackupDays int `env:"RESEED_BACKUP_DAYS"`
	LogDays    int `env:"RESEED_LOG_DAYS"`
}

// Need is a set of settings that must be there.
type Need uint8

// What functions need.
const (
	Table Need = 1 << iota
	Bucket
	Queues
	Keys
)

// Read reads the settings from an environment as os.Environ gives it. Its error,
// fault.Invalid, names every variable that is missing or wrong, and no value (I8).
func Read(environ []string, needs Need) (Config, error) {
	var c Config
	vars := map[string]string{}
	for _, v := range environ {
		if name, value, ok := strings.Cut(v, "="); ok && value != "" { // templates declare empty variables
			vars[name] = value
		}
	}
	wrong := faults(env.ParseWithOptions(&c, env.Options{
		Environment: vars,
		FuncMap:     map[reflect.Type]env.ParserFunc{reflect.TypeFor[KeyHash](): parseKeyHash},
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
	wrong = append(wrong, c.missing(needs, wrong)...)
	if len(wrong) > 0 {
		return Config{}, fault.New(fault.Invalid, "settings", "settings: "+strings.Join(wrong, "; "))
	}
	return c, nil
}

// faults says which variables could not be read.
func faults(err error) []string {
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

// variable is the name of the environment variable of a field.
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
	}
	return fmt.Sprintf("a %s is expected", t)
}

func (c *Config) missing(needs Need, known []string) []string {
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
		{Keys, "RESEED_API_KEY_HASHES", len(c.APIKeyHashes) > 0 || strings.Contains(strings.Join(known, " "), "RESEED_API_KEY_HASHES")},
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

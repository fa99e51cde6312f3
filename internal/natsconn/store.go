package natsconn

// Store says how a server's JetStream is.
type Store struct {
	Dir     string `json:"dir"`
	Free    uint64 `json:"free_bytes"`        // on that disk
	Limit   int64  `json:"limit_bytes"`       // of all that is stored there
	Trouble string `json:"trouble,omitempty"` // why it does not write
}

package layout

import (
	"encoding/binary"
	"fmt"
	"testing"
)

// layoutNumbers is testdata/layout.json: the layout as numbers, and as bytes, for programs in other
// languages. The tests of the Python package read it too.
type layoutNumbers struct {
	Version int                 `json:"version"`
	Fields  map[string][]field  `json:"fields"`
	Plans   []goldenPlan        `json:"plans"`
	Control goldenControl       `json:"control"`
	Chunk   map[string]string   `json:"chunk"`
	Numbers map[string]uint64   `json:"numbers"`
	Shifts  map[string]int      `json:"milestone_shifts"`
	Marks   []map[string]string `json:"milestones"`
}

type field struct {
	Name   string `json:"name"`
	Offset int    `json:"offset"`
	Size   int    `json:"size"`
}

// goldenPlan is where the tables lie: place, entries and stride of each.
type goldenPlan struct {
	Topics int      `json:"topics"`
	Depth  int      `json:"depth"`
	Tables [][3]int `json:"tables"`
	Size   int      `json:"size"`
}

// goldenControl is a control object as its server writes it: the words that are not 0, by
// their offsets, as 8 bytes in hex.
type goldenControl struct {
	Identity map[string]string `json:"identity"`
	Words    map[string]string `json:"words"`
}

func TestGoldenLayout(t *testing.T) {
	golden(t, "../../testdata/layout.json", makeGolden(t))
}

func makeGolden(t *testing.T) layoutNumbers {
	g := layoutNumbers{
		Version: Version,
		Fields:  map[string][]field{},
		Numbers: map[string]uint64{
			"MAGIC": Magic, "HEADER_SIZE": HeaderSize, "CHUNK_HEADER": ChunkHeader, "ALIGN": Align,
			"LIFE_DIED": LifeDied, "LIFE_UNKNOWN": LifeUnknown, "LIFE_DISTANCE": LifeDistance,
			"STATE_OPEN": StateOpen, "STATE_CLOSED": StateClosed,
			"ROLE_SERVER": RoleServer, "ROLE_CLIENT": RoleClient, "ROLE_READ_ONLY": RoleReadOnly,
			"HOLD_CONFIRMED": HoldConfirmed, "HOLD_TAG": HoldTag, "HOLD_CLAIMS": HoldClaims,
			"MAX_HOLD": MaxHold, "HOLD_GRACE": HoldGrace, "MILESTONE_TAG": MilestoneTag, "QUEUE_TAG": QueueTag, "QUEUE_LAP": QueueLap, "QUEUE_RECORD": QueueRecord,
			"MAX_TOPICS": MaxTopics, "DEFAULT_TOPICS": DefaultTopics,
			"MAX_TOPIC_DEPTH": MaxTopicDepth, "DEFAULT_TOPIC_DEPTH": DefaultTopicDepth,
			"RECORD_SHORT": RecordShort, "RECORD_LONG": RecordLong,
		},
		Shifts: map[string]int{},
	}
	for name, fields := range map[string][]Field{
		"OFF": HeaderFields(), "SLOT": SlotFields(), "CHUNK": ChunkFields(), "HOLD": HoldFields(), "MILESTONE": MilestoneFields(),
		"TOPIC": TopicFields(), "GROUP": GroupFields(), "SUB": SubscriptionFields(), "RECORD": RecordFields(),
	} {
		for _, f := range fields {
			g.Fields[name] = append(g.Fields[name], field{f.Name, f.Offset, f.Size})
		}
	}
	for _, p := range [][2]int{{1, 1}, {DefaultTopics, DefaultTopicDepth}, {1000, 64}} {
		plan := goldenPlan{Topics: p[0], Depth: p[1], Size: ControlSize(p[0], p[1])}
		for _, t := range tablesOf(p[0], p[1]) {
			plan.Tables = append(plan.Tables, [3]int{t.at, t.count, t.stride})
		}
		g.Plans = append(g.Plans, plan)
	}
	for _, capacity := range []uint64{4096, 8192, 12288, 1 << 20, 500 << 20, 1<<40 + 4096} {
		g.Shifts[fmt.Sprint(capacity)] = MilestoneShift(capacity)
	}
	id := Identity{
		Nonce: [16]byte{0xf0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, Capacity: 1 << 20, ServerPID: 4711, Pages: 2,
		CreatedWall: 1_700_000_000_123_456_789, CreatedMono: 9_876_543_210_123, Start: 0x4030201c0, HoldLimit: 300_000,
		Topics: 3, TopicDepth: 8,
	}
	g.Control = goldenControl{
		Identity: map[string]string{
			"nonce": fmt.Sprintf("%x", id.Nonce), "capacity": fmt.Sprint(id.Capacity), "server_pid": fmt.Sprint(id.ServerPID),
			"pages": fmt.Sprint(id.Pages), "created_wall": fmt.Sprint(id.CreatedWall), "created_mono": fmt.Sprint(id.CreatedMono),
			"start": fmt.Sprint(id.Start), "hold_limit": fmt.Sprint(id.HoldLimit), "topics": fmt.Sprint(id.Topics),
			"topic_depth": fmt.Sprint(id.TopicDepth),
		},
		Words: map[string]string{},
	}
	mem := make([]byte, ControlSize(id.Topics, id.TopicDepth))
	ctl, err := Format(mem, id)
	if err != nil {
		t.Fatal(err)
	}
	ctl.PassMilestone(id.Start+12_345_600, id.CreatedMono+5_000_000)
	g.Marks = []map[string]string{{"head": fmt.Sprint(id.Start + 12_345_600), "time": fmt.Sprint(id.CreatedMono + 5_000_000)}}
	for at := 0; at < len(mem); at += 8 {
		if binary.NativeEndian.Uint64(mem[at:]) != 0 {
			g.Control.Words[fmt.Sprint(at)] = fmt.Sprintf("%x", mem[at:at+8])
		}
	}
	chunk := make([]byte, ChunkHeader)
	NewHeaderCodec(id.Nonce).Put(chunk, id.Start+ChunkHeader, Chunk{Size: 1000, Time: id.CreatedMono, Client: 7, PID: 1234})
	g.Chunk = map[string]string{
		"offset": fmt.Sprint(id.Start + ChunkHeader), "size": "1000", "time": fmt.Sprint(id.CreatedMono), "client": "7", "pid": "1234",
		"bytes": fmt.Sprintf("%x", chunk),
	}
	return g
}

func tablesOf(topics, depth int) []table { return planTables(topics, depth).all() }

// Mercurius 16 with its JIT: a schema written by hand, a resolver for each root field, batching loaders below, prepared statements.
import Fastify from "fastify";
import mercurius from "mercurius";
import pg from "pg";

const pool = new pg.Pool({ max: Number(process.env.POOL), idleTimeoutMillis: 0 });
const schema = `
  type Query {
    resource(resourceId: ID!): Resource
    resources(first: Int! = 50, after: String): ResourceConnection!
  }
  type ResourceConnection { nodes: [Resource!]!  pageInfo: PageInfo! }
  type PageInfo { hasNextPage: Boolean!  endCursor: String }
  type Resource {
    resourceId: ID!  name: String  status: String!  vendor: String!  vendorRegion: String!  resourceType: String!
    createdAt: String!  pricingTotalHourly: Float  currency: String
    linkedResources: [LinkedResource!]!
    offerHistory: [OfferProvenance!]!
  }
  type LinkedResource { resourceId: ID!  name: String  status: String!  linkType: String!  linkedSince: String! }
  type OfferProvenance { role: String!  createdAt: String!  offer: Offer! }
  type Offer { offerId: ID!  contractType: String!  vendorSku: String  priceHourly: Float  currency: String }
`;
const RESOURCE = `SELECT resource_id AS "resourceId", name, status, vendor, vendor_region AS "vendorRegion",
  resource_type AS "resourceType", created_at AS "createdAt", pricing_total_hourly AS "pricingTotalHourly", currency
  FROM peers.resources`;
const ORDER = "ORDER BY created_at DESC, resource_id DESC LIMIT";
const STATEMENTS = {
  one: `${RESOURCE} WHERE resource_id = $1`,
  first: `${RESOURCE} ${ORDER} $1`,
  next: `${RESOURCE} WHERE (created_at, resource_id) < ($2, $3) ${ORDER} $1`,
  links: `SELECT from_id AS "of", resource_id AS "resourceId", name, status, link_type AS "linkType",
    linked_since AS "linkedSince" FROM peers.linked_resources WHERE from_id = ANY($1) ORDER BY linked_since, link_id`,
  offers: `SELECT h.resource_id AS "of", h.role, h.created_at AS "createdAt", o.offer_id AS "offerId",
    o.contract_type AS "contractType", o.vendor_sku AS "vendorSku", o.price_hourly AS "priceHourly", o.currency
    FROM peers.offer_history h JOIN peers.offers o USING (offer_id) WHERE h.resource_id = ANY($1)
    ORDER BY h.created_at, h.provenance_id`,
};

async function rows(name, values) {
  return (await pool.query({ name, text: STATEMENTS[name], values })).rows;
}

async function grouped(name, queries, convert) {
  const byParent = new Map(queries.map(({ obj }) => [obj.resourceId, []]));
  for (const row of await rows(name, [[...byParent.keys()]])) byParent.get(row.of).push(convert(row));
  return queries.map(({ obj }) => byParent.get(obj.resourceId));
}

const resolvers = {
  Query: {
    resource: async (_, { resourceId }) => (await rows("one", [resourceId]))[0] ?? null,
    resources: async (_, { first, after }) => {
      const page = await (after ? rows("next", [first + 1, ...after.split("|")]) : rows("first", [first + 1]));
      const nodes = page.slice(0, first);
      const last = nodes.at(-1);
      const endCursor = last ? `${last.createdAt}|${last.resourceId}` : null;
      return { nodes, pageInfo: { hasNextPage: page.length > first, endCursor } };
    },
  },
};
const loaders = {
  Resource: {
    linkedResources: { loader: (queries) => grouped("links", queries, (row) => row), opts: { cache: false } },
    offerHistory: {
      loader: (queries) => grouped("offers", queries, ({ role, createdAt, ...offer }) => ({ role, createdAt, offer })),
      opts: { cache: false },
    },
  },
};

const app = Fastify({ logger: false });
app.register(mercurius, { schema, resolvers, loaders, jit: 1, graphiql: false });
console.log(`ready at ${await app.listen({ port: 0, host: "127.0.0.1" })}`);

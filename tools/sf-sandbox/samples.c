/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sample customers; README.md lists them, and the demo and tests use them: keep names, numbers and order.
 *
 * All companies and people are invented. Phones are from ranges that the authorities keep free for fiction
 * (NANP 555-01xx, Ofcom, Bundesnetzagentur, ARCEP, ACMA, PTS), written the way people type them.
 */
#include "store_priv.h"

#define ID_KEY "Legacy_Id__c"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct account {
    const char *key, *name, *tier, *phone, *fax, *city, *country, *type;
};

struct contact {
    const char *key, *account, *salutation, *first, *last;
    const char *phone, *mobile, *home, *other, *assistant;
    const char *email, *language;
};

struct ticket {
    const char *contact, *subject, *priority, *status, *description;
};

struct lead {
    const char *first, *last, *company, *phone, *mobile, *email;
};

/* clang-format off */
static const struct account accounts[] = {
    {"S-A01", "Saguaro Solar Supply", "Gold", "(928) 555-0100", "(928) 555-0109", "Flagstaff", "United States", "Customer - Direct"},
    {"S-A02", "Copperline Logistics", "Silver", "602.555.0111", NULL, "Phoenix", "United States", "Customer - Direct"},
    {"S-A03", "Blue Heron Clinics", "Bronze", "+1 206 555 0122", NULL, "Seattle", "United States", "Customer - Channel"},
    {"S-A04", "Lakehead Outfitters", "Silver", "416-555-0133", NULL, "Toronto", "Canada", "Customer - Direct"},
    {"S-A05", "Thamesgate Printworks", "Gold", "020 7946 0101", NULL, "London", "United Kingdom", "Customer - Direct"},
    {"S-A06", "Pennine Garden Supply", "Bronze", "+44 (0)113 496 0112", NULL, "Leeds", "United Kingdom", "Customer - Channel"},
    {"S-A07", "Spreebogen Maschinenbau GmbH", "Gold", "+49 (0)30 23125-120", "+49 (0)30 23125-129", "Berlin", "Germany", "Customer - Direct"},
    {"S-A08", "Isarwerk Brauerei KG", "Silver", "089/99998-130", NULL, "M\xc3\xbcnchen", "Germany", "Customer - Direct"},
    {"S-A09", "Atelier Vauquelin", "Silver", "01 99 00 14 14", NULL, "Paris", "France", "Customer - Direct"},
    {"S-A10", "Rh\xc3\xb4ne V\xc3\xa9lo SARL", "Bronze", "+33 4 65 71 15 15", NULL, "Lyon", "France", "Prospect"},
    {"S-A11", "Wattle Creek Dairy", "Bronze", "(02) 5550 1616", NULL, "Sydney", "Australia", "Customer - Direct"},
    {"S-A12", "S\xc3\xb6""dra Kajen Rederi AB", "Silver", "031-390 06 17", NULL, "G\xc3\xb6teborg", "Sweden", "Customer - Direct"},
    {"S-A13", "Kestrel Home Insurance", "Gold", "303-555-0144", NULL, "Denver", "United States", "Customer - Direct"},
    {"S-A14", "Mesa Verde Schools", NULL, "1-505-555-0155", NULL, "Albuquerque", "United States", "Prospect"},
    {"S-A15", "Harbour & Finch", "Bronze", "0131 496 0156", NULL, "Edinburgh", "United Kingdom", "Customer - Direct"},
    {"S-A16", "Ocotillo Software", "Silver", "9285550166", NULL, "Flagstaff", "United States", "Customer - Direct"},
};

static const struct contact contacts[] = {
    {"S-C01", "S-A01", "Ms.", "Maria", "Delgado", NULL, "(928) 555-0101", NULL, NULL, NULL, "maria.delgado@saguaro.example", "en-US"},
    {"S-C02", "S-A01", "Mr.", "James", "Whitaker", "928.555.0102", NULL, NULL, NULL, NULL, "james.whitaker@saguaro.example", "en-US"},
    {"S-C03", "S-A02", "Ms.", "Priya", "Raman", "+1 602 555 0112", NULL, "(602) 555-0113", NULL, NULL, "priya@copperline.example", "en-US"},
    {"S-C04", "S-A02", NULL, "Walter", "Brandt", NULL, NULL, NULL, "602-555-0114", NULL, "walter@copperline.example", "en-US"},
    {"S-C05", "S-A03", "Dr.", "Elena", "Petrova", NULL, "+12065550123", NULL, NULL, NULL, "e.petrova@blueheron.example", "en-US"},
    {"S-C06", "S-A03", NULL, "Tom", "Okafor", NULL, NULL, NULL, NULL, "206/555-0124 x12", "tom.okafor@blueheron.example", "en-US"},
    {"S-C07", "S-A04", "Ms.", "Louise", "Tremblay", "1 (416) 555-0134", NULL, NULL, NULL, NULL, "louise@lakehead.example", "fr-CA"},
    {"S-C08", "S-A05", "Mr.", "Gareth", "Pryce", "+44 20 7946 0102", NULL, NULL, NULL, NULL, "gareth.pryce@thamesgate.example", "en-GB"},
    {"S-C09", "S-A05", "Ms.", "Aisha", "Khan", NULL, NULL, "(020) 7946 0103", NULL, NULL, "aisha.khan@thamesgate.example", "en-GB"},
    {"S-C10", "S-A06", NULL, "Oliver", "Thwaite", "0113 496 0113", NULL, NULL, NULL, NULL, "oliver@pennine.example", "en-GB"},
    {"S-C11", "S-A07", "Mr.", "Klaus", "Reimann", "0049 30 23125121", NULL, NULL, NULL, NULL, "k.reimann@spreebogen.example", "de-DE"},
    {"S-C12", "S-A07", "Ms.", "Sabine", "Vogt", NULL, "0171 / 39 200 12", NULL, NULL, NULL, "s.vogt@spreebogen.example", "de-DE"},
    {"S-C13", "S-A08", "Mr.", "Jonas", "Huber", "+49 89 99998 131", NULL, NULL, NULL, NULL, "jonas@isarwerk.example", "de-DE"},
    {"S-C14", "S-A09", "Ms.", "Camille", "Vauquelin", NULL, "06.39.98.14.15", NULL, NULL, NULL, "camille@vauquelin.example", "fr-FR"},
    {"S-C15", "S-A10", "Mr.", "Luc", "Morel", "0033 4 65 71 15 16", NULL, NULL, NULL, NULL, "luc.morel@rhonevelo.example", "fr-FR"},
    {"S-C16", "S-A11", "Ms.", "Charlotte", "Nguyen", NULL, "0491 570 156", NULL, NULL, NULL, "charlotte@wattlecreek.example", "en-AU"},
    {"S-C17", "S-A12", "Mr.", "Erik", "Lindqvist", "+46 (0)31-390 06 18", NULL, NULL, NULL, NULL, "erik@sodrakajen.example", "sv-SE"},
    {"S-C18", "S-A13", "Ms.", "Anna", "Kowalski", "(303) 555-0145", NULL, NULL, NULL, NULL, "anna.kowalski@mail.example", "en-US"},
    {"S-C19", "S-A13", "Mr.", "Ben", "Kowalski", NULL, NULL, "303.555.0145", NULL, NULL, "ben.kowalski@mail.example", "en-US"},
    {"S-C20", "S-A14", "Ms.", "Rosa", "Lindgren", "+1-505-555-0156", NULL, NULL, NULL, NULL, "rosa@mesaverde.example", "es-US"},
    {"S-C21", "S-A16", "Mr.", "Victor", "Lindgren", NULL, "505 555 0156", NULL, NULL, NULL, "victor@ocotillo.example", "en-US"},
    {"S-C22", "S-A15", "Ms.", "Fiona", "MacRae", NULL, "07700 900157", NULL, NULL, NULL, "fiona@harbourfinch.example", "en-GB"},
    {"S-C23", "S-A16", "Mx.", "Robin", "Castellanos", "928-555-0167", NULL, NULL, NULL, NULL, "robin@ocotillo.example", "en-US"},
    {"S-C24", "S-A16", "Mr.", "Diego", "Fuentes", NULL, "+1 (928) 555-0168", NULL, NULL, NULL, "diego@ocotillo.example", "es-US"},
    {"S-C25", NULL, "Mr.", "Marcus", "Bell", "(212) 555-0179", NULL, NULL, NULL, NULL, "marcus.bell@mail.example", "en-US"},
    {"S-C26", "S-A03", "Ms.", "Ines", "Okoye", NULL, NULL, NULL, "2065550125", NULL, "ines.okoye@blueheron.example", "en-US"},
    {"S-C27", "S-A12", "Ms.", "Nora", "Quist", NULL, NULL, NULL, NULL, "08-465 004 19", "nora@sodrakajen.example", "sv-SE"},
};

static const struct ticket tickets[] = {
    {"S-C01", "Inverter shows fault E14", "High", "Working", "Two of six inverters stop at noon."},
    {"S-C01", "Invoice address changed", "Low", "Closed", "Done."},
    {"S-C03", "Pallet scanner loses pairing", "Medium", "New", "Since the last update."},
    {"S-C04", "Delivery window missed", "Medium", "Closed", "Credited."},
    {"S-C05", "Telemetry gateway offline", "High", "Escalated", "Clinic 4, second floor."},
    {"S-C07", "Tent poles missing in order", "Low", "New", "Order of last week."},
    {"S-C08", "Press 2 feeds double sheets", "High", "Working", "Stops the night shift."},
    {"S-C08", "Spare rollers on back order", "Medium", "New", "Asked for a date."},
    {"S-C09", "Login for new colleague", "Low", "Closed", "Created."},
    {"S-C11", "Spindel 3: Temperaturwarnung", "Medium", "Working", "Seit Montag."},
    {"S-C12", "Steuerung startet nicht", "High", "New", "Nach Stromausfall."},
    {"S-C14", "Teinte non conforme", "Medium", "New", "Lot 2291."},
    {"S-C16", "Milk tank sensor drifts", "Medium", "New", "Reads two degrees high."},
    {"S-C18", "Claim: hail damage on roof", "High", "Working", "Photos are in the portal."},
    {"S-C23", "Licence server unreachable", "High", "New", "After the certificate change."},
    {"S-C26", "Wheelchair ramp inspection", "Low", "Closed", "Passed."},
};

static const struct lead leads[] = {
    {"Sam", "Carver", "Carver Boatworks", "(415) 555-0180", NULL, "sam@carver.example"},
    {"Yuki", "Hartmann", "Hartmann Imaging", NULL, "0152 28817386", "yuki@hartmann.example"},
};
/* clang-format on */

static void put(json_t *object, const char *name, const char *text)
{
    if (text)
        json_object_set_new(object, name, json_string(text));
}

/* Takes over `body`. */
static int create(struct sf_store *store, const char *type, json_t *body, struct sf_fail *fail)
{
    char id[SF_ID_SIZE];
    int failed = sf_store_create(store, type, body, id, fail);

    json_decref(body);
    return failed;
}

static int put_reference(struct sf_store *store, json_t *object, const char *name, const char *type,
                         const char *key, struct sf_fail *fail)
{
    char id[SF_ID_SIZE];

    if (!key)
        return 0;
    if (sf_store_find(store, type, ID_KEY, key, id, fail) != 0)
        return -1;
    put(object, name, id);
    return 0;
}

static int create_accounts(struct sf_store *store, struct sf_fail *fail)
{
    for (size_t i = 0; i < COUNT(accounts); i++) {
        const struct account *account = &accounts[i];
        json_t *body = json_object();

        put(body, ID_KEY, account->key);
        put(body, "Name", account->name);
        put(body, "Tier__c", account->tier);
        put(body, "Phone", account->phone);
        put(body, "Fax", account->fax);
        put(body, "BillingCity", account->city);
        put(body, "BillingCountry", account->country);
        put(body, "Type", account->type);
        if (create(store, "Account", body, fail) != 0)
            return -1;
    }
    return 0;
}

static int create_contact(struct sf_store *store, const struct contact *contact, struct sf_fail *fail)
{
    json_t *body = json_object();

    put(body, ID_KEY, contact->key);
    put(body, "Salutation", contact->salutation);
    put(body, "FirstName", contact->first);
    put(body, "LastName", contact->last);
    put(body, "Phone", contact->phone);
    put(body, "MobilePhone", contact->mobile);
    put(body, "HomePhone", contact->home);
    put(body, "OtherPhone", contact->other);
    put(body, "AssistantPhone", contact->assistant);
    put(body, "Email", contact->email);
    put(body, "Language__c", contact->language);
    if (put_reference(store, body, "AccountId", "Account", contact->account, fail) != 0) {
        json_decref(body);
        return -1;
    }
    return create(store, "Contact", body, fail);
}

static int create_case(struct sf_store *store, const struct ticket *ticket, struct sf_fail *fail)
{
    json_t *body = json_object();

    put(body, "Subject", ticket->subject);
    put(body, "Priority", ticket->priority);
    put(body, "Status", ticket->status);
    put(body, "Description", ticket->description);
    put(body, "Origin", "Phone");
    if (put_reference(store, body, "ContactId", "Contact", ticket->contact, fail) != 0) {
        json_decref(body);
        return -1;
    }
    return create(store, "Case", body, fail);
}

static int create_lead(struct sf_store *store, const struct lead *lead, struct sf_fail *fail)
{
    json_t *body = json_object();

    put(body, "FirstName", lead->first);
    put(body, "LastName", lead->last);
    put(body, "Company", lead->company);
    put(body, "Phone", lead->phone);
    put(body, "MobilePhone", lead->mobile);
    put(body, "Email", lead->email);
    return create(store, "Lead", body, fail);
}

static int create_all(struct sf_store *store, struct sf_fail *fail)
{
    if (create_accounts(store, fail) != 0)
        return -1;
    for (size_t i = 0; i < COUNT(contacts); i++) {
        if (create_contact(store, &contacts[i], fail) != 0)
            return -1;
    }
    for (size_t i = 0; i < COUNT(tickets); i++) {
        if (create_case(store, &tickets[i], fail) != 0)
            return -1;
    }
    for (size_t i = 0; i < COUNT(leads); i++) {
        if (create_lead(store, &leads[i], fail) != 0)
            return -1;
    }
    return 0;
}

int sf_store_samples(struct sf_store *store, struct sf_fail *fail)
{
    char id[SF_ID_SIZE];
    int failed;

    if (sf_store_find(store, "Account", ID_KEY, accounts[0].key, id, fail) == 0)
        return 0;
    sf_fail_done(fail);
    sf_store_begin(store);
    failed = create_all(store, fail);
    if (failed == 0)
        sf_store_commit(store);
    else
        sf_store_rollback(store);
    return failed;
}

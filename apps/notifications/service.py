"""The use cases of notifications: telling a person about an order, in the app and by mail, and listing what was told."""

from dataclasses import replace

from apps.notifications import domain
from apps.notifications.domain import Kind, MailRefused, MailStatus, MailUnanswered, Message
from apps.notifications.ports import Clock, DeadLetters, Facts, Ids, Mail, MessageStore, Templates, Text, Users


class NotificationService:
    """One event makes one message and at most one mail.

    A mail server cannot be asked whether it has a mail. So a mail is claimed in the last moment before it is handed over, and one
    that was claimed and of which no word came back is not sent again but `unconfirmed` for good.
    """

    def __init__(
        self,
        *,
        store: MessageStore,
        templates: Templates,
        users: Users,
        mail: Mail,
        dead_letters: DeadLetters,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._store, self._templates, self._users = store, templates, users
        self._mail, self._dead_letters, self._clock, self._ids = mail, dead_letters, clock, ids

    async def notify(self, *, event_id: str, user_id: str, kind: Kind, facts: Facts) -> None:
        """Tell `user_id` once for each `event_id`. Raises MailInProgress, MailRefused: to be called again later."""
        now = self._clock.now()
        text = self._templates.render(kind, facts, name="")
        message = Message(
            id=domain.message_id(event_id),
            user_id=user_id,
            order_id=facts.order_id,
            kind=kind,
            title=text.title,
            body=text.body,
            created_at=now,
            mail=MailStatus.FAILED,
            mail_claimed_at=now,
            mail_claim=self._ids.new("clm"),
        )
        try:
            await self._send_mail(message, facts)
        except Exception:
            await self._store.keep(message)
            raise

    async def list_page(self, user_id: str, *, before: int | None, limit: int) -> tuple[list[Message], int | None]:
        """The user's messages, newest first, and where to go on."""
        return await self._store.list_page(user_id, before=before, limit=limit)

    async def find_by_event(self, event_ids: list[str]) -> dict[str, Message | None]:
        """By event id, the message that the event became; None when it has not become one."""
        ids = {event_id: domain.message_id(event_id) for event_id in event_ids}
        found = {message.id: message for message in await self._store.find_many(list(ids.values()))}
        return {event_id: found.get(message_id) for event_id, message_id in ids.items()}

    async def told(self, event_ids: list[str]) -> frozenset[str]:
        """See `contracts.notifications.Told`."""
        found = await self.find_by_event(event_ids)
        ended = {event_id for event_id, message in found.items() if message is not None and message.mail.has_ended}
        rest = [event_id for event_id in event_ids if event_id not in ended]
        return frozenset(ended) | await self._dead_letters.kept(rest)

    async def _send_mail(self, message: Message, facts: Facts) -> None:
        contact = await self._users.find_contact(message.user_id)
        if contact is None:
            await self._store.claim(replace(message, mail=MailStatus.UNDELIVERABLE))
            return
        text = self._templates.render(message.kind, facts, name=contact.name)
        async with self._mail.turn():
            claim = replace(message, mail=MailStatus.SENDING, mail_claimed_at=self._clock.now())
            claimed = await self._store.claim(claim)
            if claimed.mail is not MailStatus.SENDING:
                return
            status, refusal = await self._hand_over(contact.email, text)
        await self._store.note_mail(claimed, status)
        if refusal is not None:
            raise refusal

    async def _hand_over(self, address: str, text: Text) -> tuple[MailStatus, MailRefused | None]:
        try:
            await self._mail.send(address, text.title, text.html)
        except MailRefused as refusal:
            return MailStatus.FAILED, refusal
        except MailUnanswered:
            return MailStatus.UNCONFIRMED, None
        return MailStatus.SENT, None

"""The peer: FastAPI answering the same movies from memory. `uvicorn peer:app`; PEER_MOVIE names a file with one answer."""
import json
import os

from fastapi import FastAPI, HTTPException

with open(os.environ["PEER_MOVIE"], encoding="utf-8") as file:
    answer = json.load(file)
movies = {movie_id: {**answer, "data": {**answer["data"], "movie_id": movie_id}} for movie_id in range(1, 1001)}
app = FastAPI()


@app.get("/api/v1/movies/{movie_id}")
async def movie(movie_id: int):
    if movie_id not in movies:
        raise HTTPException(404, f"movie {movie_id} is not known")
    return movies[movie_id]
